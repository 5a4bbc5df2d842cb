# The database away, hanging, slow or back again: 503 with Retry-After meanwhile, served without a restart after.
import contextlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from cluster import Cluster
from database import Database
from http_client import EVENTS, Client, request_bytes
from proxy import Proxy
from support import DEADLINE_S, eventually

PATIENT_MS = 15000


@pytest.fixture
def proxy(scratch):
    info = scratch.connection.info
    proxy = Proxy(info.host, info.port)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def scratch_key(scratch):
    scratch.insert({"event_group": "g", "event_type": "t", "status": "success"} for _ in range(300))
    return scratch.create_api_key("reader")


@pytest.fixture
def through(scratch, proxy, start_daemon, secret_file):
    """Starts a daemon behind the proxy."""
    def start(**options):
        database = scratch.conninfo(host="127.0.0.1", port=proxy.port)
        return start_daemon(database=database, token_secret_file=secret_file,
                            **{"query_timeout_ms": 400, "request_timeout_ms": 800, **options})
    return start


def ready(client):
    return client.get("/readyz").status == 200


def assert_unavailable(answer, statuses=(503,)):
    assert answer.status in statuses, (answer.status, answer.text)
    assert answer.headers["Content-Type"] == "application/json"
    if answer.status == 503:
        assert int(answer.headers["Retry-After"]) >= 1
    assert list(answer.json()) == ["detail"]
    for word in ("SELECT", "127.0.0.1", "server closed", "connection to", "PGSQL", "pg_"):
        assert word not in answer.text


def test_health_needs_no_credentials(client):
    for target in ("/healthz", "/readyz"):
        answer = client.get(target)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.json() is not None


@pytest.mark.parametrize("how", ["refuse", "hang"])
def test_away_and_back(through, proxy, scratch_key, scratch, how):
    daemon = through()
    client = daemon.client
    pid = daemon.pid
    token_user = scratch.create_user(f"away by {how}", "a password to log in")
    assert len(client.list(scratch_key).ids) == 50
    # Twice: the way back must not wear out. To notice a server that hangs takes some seconds; there once will do.
    for _ in range(2 if how == "refuse" else 1):
        getattr(proxy, how)()
        # A server that does not answer may only be slow: at first the daemon cannot know.
        statuses = (503, 504) if how == "hang" else (503,)
        assert_unavailable(client.list(scratch_key), statuses)
        assert_unavailable(client.get(f"{EVENTS}/018df0c8-0000-7000-8000-000000000000", scratch_key), statuses)
        assert_unavailable(client.login(*token_user), statuses)
        eventually(lambda: not ready(client), "readyz notices")
        assert_unavailable(client.get("/readyz"))
        assert client.get("/healthz").status == 200
        assert client.get("/openapi.json").status == 200
        proxy.pass_on()
        eventually(lambda: ready(client), "ready again")
        eventually(lambda: client.list(scratch_key).status == 200, "served again")
        assert len(client.list(scratch_key, limit=200).ids) == 200
        eventually(lambda: client.login(*token_user).status == 200, "passwords are checked again")
    assert daemon.pid == pid and daemon.running


def test_unknown_credentials_while_the_database_is_away(through, proxy, scratch_key):
    """The daemon cannot know whether such a key is good. That is a 503, not a 401 on which clients throw their key away."""
    client = through().client
    proxy.refuse()
    for key in ("a key that was never used", scratch_key):
        assert_unavailable(client.list(key))
    assert client.send(EVENTS).status == 401
    proxy.pass_on()
    eventually(lambda: client.list(scratch_key).status == 200, "served again")


def test_connections_cut_between_requests(through, proxy, scratch_key):
    """A request that was not answered yet may be sent again on another connection; at most a few fail."""
    client = through(pool_size=2).client
    for _ in range(5):
        assert client.list(scratch_key).status == 200
        proxy.cut()
        eventually(lambda: client.list(scratch_key).status == 200, "served again")


def test_revocation_while_the_listener_was_cut_off(through, proxy, scratch):
    """Notices that were missed must not leave a revoked key in the cache."""
    client = through().client
    key = scratch.create_api_key("revoked unnoticed")
    assert client.list(key).status == 200
    proxy.refuse()
    scratch.call("audit_revoke_api_key", "revoked unnoticed")
    proxy.pass_on()
    eventually(lambda: client.list(key).status == 401, "revocation that was not heard of", 10)


def test_started_while_the_database_is_away(scratch, proxy, start_daemon, scratch_key):
    """At boot services start in any order. Either it waits, unready, or it ends with a clear line."""
    proxy.refuse()
    database = scratch.conninfo(host="127.0.0.1", port=proxy.port)
    daemon = start_daemon(database=database, query_timeout_ms=400, request_timeout_ms=800)
    assert_unavailable(daemon.client.get("/readyz"))
    assert_unavailable(daemon.client.list(scratch_key))
    assert daemon.client.get("/healthz").status == 200
    proxy.pass_on()
    eventually(lambda: daemon.client.list(scratch_key).status == 200, "served once the database is there")


def test_waiting_for_the_database_costs_no_time(through, proxy):
    daemon = through()
    proxy.refuse()
    eventually(lambda: not ready(daemon.client), "readyz notices")
    before_s = daemon.cpu_s
    end = time.monotonic() + 1.5
    eventually(lambda: time.monotonic() > end, "a while")
    assert daemon.cpu_s - before_s < 0.3, "it spins while the database is away"
    proxy.pass_on()


def test_sigterm_while_the_database_hangs(through, proxy, scratch_key):
    daemon = through()
    assert daemon.client.list(scratch_key).status == 200
    proxy.hang()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(Client(daemon.client.address).list, scratch_key)
        started = time.monotonic()
        daemon.stop()
        assert time.monotonic() - started < 10
        assert answer.exception() is not None or answer.result().status in (503, 504)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_server_stopped_or_killed(how, start_daemon, tmp_path_factory):
    """The real thing, on a cluster of its own."""
    cluster = Cluster(str(tmp_path_factory.mktemp("cluster")))
    try:
        cluster.start()
        database = Database(cluster.server)
        database.insert({"event_group": "g", "event_type": "t", "status": "success"} for _ in range(20))
        key = database.create_api_key("reader")
        database.execute("CHECKPOINT")  # commits there are asynchronous: without this a crash could lose them
        daemon = start_daemon(database=database.conninfo())
        client = daemon.client
        assert len(client.list(key).ids) == 20
        getattr(cluster, how)()
        assert_unavailable(client.list(key))
        assert_unavailable(client.get("/readyz"))
        assert client.get("/healthz").status == 200
        cluster.start()
        eventually(lambda: ready(client), "ready again", DEADLINE_S * 1.5)
        eventually(lambda: client.list(key).status == 200, "served again")
        assert len(client.list(key).ids) == 20
        daemon.stop()
    finally:
        cluster.remove()


# A slow query

@pytest.fixture
def locked(scratch):
    """While entered, it locks audit_events: list queries wait."""
    class Lock:
        def __enter__(self):
            self.session = scratch.connect()
            self.session.autocommit = False
            with self.session.cursor() as cursor:
                cursor.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
            return self

        def __exit__(self, *exception):
            self.session.rollback()
            self.session.close()
    return Lock


def waiting(scratch):
    """How many of the daemon's queries wait for a lock."""
    return scratch.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
                           " AND datname = %s", (scratch.frontend, scratch.name))[0][0]


def test_query_that_takes_too_long(through, scratch, scratch_key, locked):
    client = through(query_timeout_ms=500, request_timeout_ms=5000).client
    assert client.list(scratch_key).status == 200
    with locked():
        started = time.monotonic()
        answer = client.list(scratch_key)
        took_s = time.monotonic() - started
        assert_unavailable(answer, (503, 504))
        assert 0.4 < took_s < 3
        eventually(lambda: waiting(scratch) == 0, "the query is cancelled, not left behind")
    eventually(lambda: client.list(scratch_key).status == 200, "served again")


def test_slow_queries_hold_up_nothing_else(scratch, scratch_key, locked, start_daemon, secret_file):
    daemon = start_daemon(database=scratch.conninfo(), token_secret_file=secret_file, pool_size=3,
                          query_timeout_ms=PATIENT_MS, request_timeout_ms=PATIENT_MS)
    client = daemon.client
    name = scratch.create_user("meanwhile", "logs in meanwhile")
    assert client.list(scratch_key).status == 200
    with ThreadPoolExecutor() as pool:
        with locked():
            slow = [pool.submit(Client(client.address).list, scratch_key) for _ in range(2)]
            eventually(lambda: waiting(scratch) == 2, "both queries wait")
            assert client.get("/healthz").status == 200
            assert client.login(*name).status == 200
            assert client.list(scratch_key, limit=0).status == 422
            assert client.list("no such key").status == 401
            assert not any(future.done() for future in slow)
        assert [future.result().status for future in slow] == [200, 200]


def test_a_flood_of_logins_leaves_room_for_others(scratch, scratch_key, start_daemon, secret_file):
    """Password checks hold half of the connections and a quarter of the queue, however many are wanted."""
    daemon = start_daemon(database=scratch.conninfo(), token_secret_file=secret_file, pool_size=4, queue_limit=8,
                          query_timeout_ms=PATIENT_MS, request_timeout_ms=PATIENT_MS, login_attempts=1000)
    client = daemon.client
    assert client.list(scratch_key).status == 200
    with ThreadPoolExecutor(max_workers=20) as pool, contextlib.closing(scratch.connect()) as lock:
        lock.autocommit = False
        lock.cursor().execute("LOCK TABLE audit_users IN ACCESS EXCLUSIVE MODE")
        logins = [pool.submit(Client(client.address).login, f"nobody {number}", "wrong") for number in range(20)]
        eventually(lambda: sum(future.done() for future in logins) == 16, "all but four are answered at once")
        for future in logins:
            if future.done():
                answer = future.result()
                assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
        assert waiting(scratch) == 2
        assert [client.list(scratch_key).status for _ in range(10)] == [200] * 10
        lock.rollback()
        assert sorted(future.result().status for future in logins) == [400] * 4 + [503] * 16


def test_bounded_queue(scratch, scratch_key, locked, start_daemon):
    """One connection, two waiting: the others are answered at once that they may come back later."""
    daemon = start_daemon(database=scratch.conninfo(), pool_size=1, queue_limit=2, query_timeout_ms=PATIENT_MS,
                          request_timeout_ms=PATIENT_MS)
    client = daemon.client
    assert client.list(scratch_key).status == 200
    with ThreadPoolExecutor(max_workers=20) as pool:
        with locked():
            first = pool.submit(Client(client.address).list, scratch_key)
            eventually(lambda: waiting(scratch) == 1, "the first query waits")
            others = [pool.submit(Client(client.address).list, scratch_key) for _ in range(10)]
            eventually(lambda: sum(future.done() for future in others) == 8, "all but two are answered at once")
            for future in others:
                if future.done():
                    assert_unavailable(future.result())
            assert client.get("/healthz").status == 200
        assert first.result().status == 200
        assert sorted(future.result().status for future in others) == [200] * 2 + [503] * 8
    assert client.list(scratch_key).status == 200


def test_waiting_in_the_queue_counts_as_time(scratch, scratch_key, locked, start_daemon):
    client = start_daemon(database=scratch.conninfo(), pool_size=1, query_timeout_ms=PATIENT_MS,
                          request_timeout_ms=700).client
    assert client.list(scratch_key).status == 200
    with ThreadPoolExecutor() as pool, locked():
        started = time.monotonic()
        futures = [pool.submit(Client(client.address).list, scratch_key) for _ in range(4)]
        statuses = {future.result().status for future in futures}
        assert statuses <= {503, 504}
        assert time.monotonic() - started < 5
    eventually(lambda: client.list(scratch_key).status == 200, "served again")


def test_callers_who_give_up_leave_nothing_behind(scratch, scratch_key, locked, start_daemon):
    daemon = start_daemon(database=scratch.conninfo(), pool_size=2, query_timeout_ms=1000, request_timeout_ms=1500)
    client = daemon.client
    assert client.list(scratch_key).status == 200
    with locked():
        for _ in range(20):
            connection = client.connect()
            connection.send(request_bytes(EVENTS, headers={"X-API-Key": scratch_key}))
            connection.abort()
        eventually(lambda: waiting(scratch) == 0, "no query is left behind")
    eventually(lambda: client.list(scratch_key).status == 200, "served again")
    assert [client.list(scratch_key).status for _ in range(10)] == [200] * 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_under_way_are_finished_before_it_ends(scratch, scratch_key, locked, start_daemon, number):
    daemon = start_daemon(database=scratch.conninfo(), query_timeout_ms=PATIENT_MS, request_timeout_ms=PATIENT_MS)
    assert daemon.client.list(scratch_key).status == 200
    with ThreadPoolExecutor() as pool:
        with locked():
            slow = pool.submit(Client(daemon.client.address).list, scratch_key, limit=200)
            eventually(lambda: waiting(scratch) == 1, "the query waits")
            daemon.send(number)
            eventually(lambda: refuses(daemon), "nothing new is taken")
            assert not slow.done() and daemon.running
        assert len(slow.result().ids) == 200
    assert daemon.wait() == 0


def refuses(daemon):
    try:
        return Client(daemon.client.address).get("/healthz").status == 503
    except requests.ConnectionError:
        return True


def test_backends_terminated(scratch, scratch_key, start_daemon):
    client = start_daemon(database=scratch.conninfo()).client
    for _ in range(3):
        assert client.list(scratch_key).status == 200
        scratch.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                        (scratch.frontend,))
        eventually(lambda: client.list(scratch_key).status == 200, "served again")


def test_backends_terminated_under_way(scratch, scratch_key, locked, start_daemon):
    client = start_daemon(database=scratch.conninfo(), query_timeout_ms=PATIENT_MS,
                          request_timeout_ms=PATIENT_MS).client
    assert client.list(scratch_key).status == 200
    with ThreadPoolExecutor() as pool, locked():
        slow = pool.submit(Client(client.address).list, scratch_key)
        eventually(lambda: waiting(scratch) == 1, "the query waits")
        scratch.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND wait_event_type"
                        " = 'Lock'", (scratch.frontend,))
        # It may try once more on another connection, which waits for the lock as well.
        eventually(lambda: slow.done() or waiting(scratch) == 1, "it is told or tried again")
        if slow.done():
            assert_unavailable(slow.result())
    eventually(lambda: client.list(scratch_key).status == 200, "served again")


def test_parallel_load_with_interruptions(through, proxy, scratch_key):
    """Connections are cut all the time while callers read: every answer is a whole page or a 503."""
    daemon = through(pool_size=4, query_timeout_ms=3000, request_timeout_ms=5000)
    stop = threading.Event()
    wrong = []
    served = []

    def read():
        own = Client(daemon.client.address)
        while not stop.is_set():
            answer = own.list(scratch_key, limit=50)
            if answer.status == 200 and len(answer.ids) == 50:
                served.append(1)
            elif answer.status != 503:
                wrong.append((answer.status, answer.text[:200]))
        own.close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        count = len(served)
        proxy.cut()
        eventually(lambda: len(served) > count + 5 or wrong, "served between two cuts")
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
