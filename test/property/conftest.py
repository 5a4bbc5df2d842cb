# The property tests use the database helpers of the HTTP tests.
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "http"))

from database import temporary_database  # noqa: E402  (after the path is set)


@pytest.fixture(scope="module")
def database():
    with temporary_database() as database:
        # Without an event about it, as audit_configure() would leave.
        database.execute("INSERT INTO audit_configuration (partition_every, premake, max_ahead) VALUES ('month', 3, '8000 years')")
        yield database
