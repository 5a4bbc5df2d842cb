# The property tests use the database helpers of the HTTP tests.
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "http"))

from database import temporary_database  # noqa: E402  (after the path is set)


@pytest.fixture(scope="module")
def database():
    with temporary_database() as database:
        yield database
