# A trail with partitions on a second server, and a line for each test: "ok - NAME".
import os
import sys
import tempfile

import pytest

for directory in ("http", "property"):
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", directory))

from archive import ArchivedTrail  # noqa: E402  (after the path is set)
from cluster import Cluster  # noqa: E402
from support import pytest_runtest_logreport  # noqa: E402,F401  (a hook)


@pytest.fixture(scope="session")
def second_server():
    with tempfile.TemporaryDirectory(prefix="audit_test_") as directory:
        os.chmod(directory, 0o711)
        cluster = Cluster(directory)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.remove()


@pytest.fixture(scope="module")
def trail(second_server):
    """Empty, on both servers."""
    archived = ArchivedTrail(second_server)
    try:
        yield archived
    finally:
        archived.drop()
