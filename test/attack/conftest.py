# Fixtures of the attacks, which use the helpers of the HTTP tests, and a line for each test: "ok - NAME".
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "http"))

from daemon import Daemon  # noqa: E402  (after the path is set)
from support import pytest_runtest_logreport  # noqa: E402,F401  (a hook)
from trail import AttackedTrail  # noqa: E402


@pytest.fixture
def trail():
    """A trail of the test's own, whose events belong to a role that is no superuser."""
    attacked = AttackedTrail()
    try:
        yield attacked
    finally:
        attacked.drop()


@pytest.fixture
def start_daemon():
    """Starts daemons that must end in order, with nothing in their logs that should not be there."""
    started = []

    def start(trail, **options):
        settings = {"address_requests_per_s": 0, "principal_requests_per_s": 0, **options}
        started.append(Daemon(database=trail.conninfo(), **settings))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


def pytest_configure(config):
    config.addinivalue_line("markers", "daemon: starts a daemon, which must be built")


def pytest_collection_modifyitems(items):
    for item in items:
        if "start_daemon" in item.fixturenames or hasattr(item.module, "Daemon"):
            item.add_marker("daemon")
