# Fixtures for the black-box tests: a database with known events, and daemons on it.
import os
import secrets
import tempfile

import pytest

import tokens
from daemon import Daemon
from database import temporary_database
from events import make_events
from http_client import credentials
from pair import Pair
from support import secret

OWN_SECRET = secret(secrets.token_urlsafe(48))


@pytest.fixture(scope="session")
def database():
    """The events of make_events(), which no test may change; tests may add users and keys, but no events."""
    with temporary_database() as database:
        database.insert(make_events())
        yield database


@pytest.fixture(scope="module")
def scratch():
    """An empty database that the tests of one module may change as they like."""
    with temporary_database() as database:
        yield database


@pytest.fixture(scope="session")
def directory():
    """For files the daemon reads; not pytest's own, whose parents other users cannot enter."""
    with tempfile.TemporaryDirectory(prefix="audit_test_") as path:
        yield path


@pytest.fixture(scope="session")
def write_file(directory):
    """Writes a new file and returns its path."""
    def write(name, content, mode=0o600):
        path = os.path.join(tempfile.mkdtemp(dir=directory), name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("utf-8"))
        os.chmod(path, mode)
        return path
    return write


@pytest.fixture(scope="session")
def own_secret():
    """The key of the daemons' own tokens."""
    return OWN_SECRET


@pytest.fixture(scope="session")
def secret_file(write_file):
    return write_file("token_secret", OWN_SECRET)


@pytest.fixture(scope="session")
def provider():
    return tokens.IdentityProvider()


@pytest.fixture
def start_daemon():
    """Starts daemons that are stopped, and their logs checked, when the test is over."""
    started = []

    def start(environment=None, **options):
        started.append(Daemon(environment, **options))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture(scope="session")
def daemon(database, secret_file):
    """The daemon that most tests share. Logins fail often in these tests, and requests come fast: no limits on them."""
    daemon = Daemon(database=database.conninfo(), token_secret_file=secret_file, login_attempts=100000,
                    address_requests_per_s=0, principal_requests_per_s=0)
    yield daemon
    daemon.stop()


@pytest.fixture(scope="session")
def client(daemon):
    return daemon.client


@pytest.fixture(scope="session")
def key(database):
    """An API key that may read everything."""
    return database.create_api_key("reads everything")


@pytest.fixture
def count(written):
    """How many events the database `written` has, which is the module's own."""
    return lambda: written.execute("SELECT count(*) FROM audit_events")[0][0]


@pytest.fixture
def nothing_written(count):
    before = count()
    yield
    assert count() == before


@pytest.fixture(scope="session")
def auth(key):
    """The headers with that key."""
    return credentials(key)


@pytest.fixture(scope="session")
def user(database):
    """(username, password) of a user who may read all events."""
    return database.create_user("reader", "correct horse battery staple", scopes=["audit:read", "audit:read:self"],
                                user_id=5)


@pytest.fixture(scope="session")
def token(client, user):
    return client.token(*user)


def pytest_make_parametrize_id(val):
    """Short names for tests with long values."""
    return f"{val[:20]!r}..{len(val)}" if isinstance(val, (str, bytes)) and len(val) > 40 else None


@pytest.fixture(scope="module")
def written(scratch):
    """A database whose daemon may write."""
    scratch.call("audit_grant_writer", scratch.frontend)
    return scratch


@pytest.fixture(scope="module")
def writer(written):
    """The key of a caller who may record events and read none."""
    return written.create_api_key("writer", scopes=["audit:write"])


@pytest.fixture
def pair(tmp_path_factory):
    """For tests that kill or promote."""
    pair = Pair(str(tmp_path_factory.mktemp("pair")))
    yield pair
    pair.remove()


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    """For tests that kill nothing."""
    pair = Pair(str(tmp_path_factory.mktemp("pair")))
    yield pair
    pair.remove()
