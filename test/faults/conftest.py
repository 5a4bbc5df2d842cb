# Fixtures of the fault tests, which use the helpers of the HTTP tests, and a line for each test: "ok - NAME: FIGURES".
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "http"))

from cluster import Cluster  # noqa: E402  (after the path is set)
from daemon import Daemon  # noqa: E402
from database import Database, temporary_database  # noqa: E402
from load import Trail  # noqa: E402
from support import pytest_runtest_logreport  # noqa: E402,F401  (a hook)


@pytest.fixture(scope="module")
def trail():
    """A database on the server that PG* name, with events whose pages are known."""
    with temporary_database() as database:
        yield Trail(database)


@pytest.fixture
def own_cluster(tmp_path_factory):
    """(cluster, trail) of the test's own, to be killed or filled."""
    cluster = Cluster(str(tmp_path_factory.mktemp("cluster")))
    try:
        cluster.start()
        yield cluster, Trail(Database(cluster.server))
    finally:
        cluster.remove()


@pytest.fixture
def start_daemon():
    """Starts daemons that must end in order, with nothing in their logs that should not be there."""
    started = []

    def start(trail, **options):
        settings = {"query_timeout_ms": 2000, "request_timeout_ms": 3000, "pool_size": 4,
                    "address_requests_per_s": 0, "principal_requests_per_s": 0, **options}
        started.append(Daemon(database=trail.database.conninfo(), **settings))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()
