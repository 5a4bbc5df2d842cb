# pgbouncer between the daemon and the database. In transaction mode each transaction may be in another session of the server, and no
# notice of a change comes through.
import contextlib
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from http_client import EVENTS, Client
from pooler import Pooler, follows_prepared_statements
from support import eventually

CLIENTS = 16
NOTICES_COME = "the pooler of the database passes notices on"
NO_NOTICES = "the pooler of the database passes no notices on"


@pytest.fixture(scope="module")
def trail(scratch):
    """The database with some events, and a front end that may also write."""
    scratch.insert({"event_group": "g", "event_type": "t", "status": "success", "user_id": n % 3} for n in range(300))
    scratch.call("audit_grant_writer", scratch.frontend)
    return scratch


@pytest.fixture
def start_pooler(trail):
    started = []

    def start(mode, **more):
        started.append(Pooler(trail, mode, **more))
        return started[-1]

    yield start
    for pooler in started:
        pooler.remove()


@pytest.fixture(scope="module")
def keys(trail):
    role = trail.create_role("north")
    trail.call("audit_grant_reader", role)
    trail.execute(f'GRANT "{role}" TO "{trail.frontend}"')
    return {"reader": trail.create_api_key("pooled reader"), "writer": trail.create_api_key("pooled writer", scopes=["audit:write"]),
            "north": trail.create_api_key("pooled north", db_role=role)}


def left_in_sessions(trail, conninfo, count):
    """What `count` sessions, all in use at once, have as settings, and whether they listen."""
    with contextlib.ExitStack() as stack:
        seen = {}
        for _ in range(count):
            session = stack.enter_context(contextlib.closing(psycopg2.connect(conninfo)))
            cursor = session.cursor()  # in a transaction from the first statement on, so the pooler gives it a session for itself
            cursor.execute("SELECT pg_backend_pid(), current_user, (SELECT count(*) FROM pg_listening_channels()),"
                           " (SELECT count(*) FROM pg_prepared_statements),"
                           " (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE source = 'session'"
                           " AND name NOT IN ('client_encoding', 'transaction_isolation', 'transaction_read_only',"
                           " 'transaction_deferrable')), current_setting('statement_timeout'), current_setting('search_path'),"
                           " current_setting('application_name'), current_setting('default_transaction_read_only')")
            process, *rest = cursor.fetchone()
            seen[process] = rest
        assert len(seen) == count
        return list(seen.values())


def work(daemon, trail, keys, number):
    """One client's requests of every kind; returns the statuses that were not as they should be."""
    client = Client(daemon.client.address)
    wrong = []

    def expect(status, answer):
        if answer.status != status:
            wrong.append((status, answer.status, answer.text[:200]))
        return answer

    name = f"revoked later {number}"
    own = trail_key(trail, name)
    for _ in range(12):
        page = expect(200, client.list(keys["reader"], limit=20, user_id=number % 3))
        if page.status == 200:
            expect(200, client.get(f"{EVENTS}/{page.ids[0]}", keys["reader"]))
        expect(200, client.list(keys["north"], limit=5))
        expect(201, client.request("POST", EVENTS, keys["writer"], json={"event_group": "g", "event_type": f"t{number}"}))
        expect(422, client.request("POST", EVENTS, keys["writer"], json={"event_group": "g"}))
        expect(401, client.list("no such key"))
        expect(422, client.list(keys["reader"], cursor="none"))
        expect(200, client.list(own, limit=1))
    token = expect(200, client.login("pooled", "a password for poolers"))
    if token.status == 200:
        expect(200, client.list(token=token.json()["access_token"], limit=3))
    expect(400, client.login("pooled", "another password"))
    with contextlib.closing(trail.connect()) as session:
        session.cursor().execute("SELECT audit_revoke_api_key(%s)", (name,))
    eventually(lambda: client.list(own).status == 401, "the revoked key is refused")
    client.close()
    return wrong


def trail_key(trail, name):
    with contextlib.closing(trail.connect()) as session:
        cursor = session.cursor()
        cursor.execute("SELECT audit_create_api_key(%s)", (name,))
        return cursor.fetchone()[0]


@pytest.mark.parametrize("mode, size, more, notice", [
    pytest.param("transaction", 2, {}, NO_NOTICES, id="transaction"),
    pytest.param("session", 12, {}, NOTICES_COME, id="session"),
    pytest.param("transaction", 2, {"max_prepared_statements": 200}, NO_NOTICES, id="prepared statements", marks=pytest.mark.skipif(
        not follows_prepared_statements(), reason="this pgbouncer has no max_prepared_statements"))])
def test_sixteen_clients_at_once(trail, keys, start_pooler, start_daemon, secret_file, mode, size, more, notice):
    """Every answer is the one that it should be, and the server's sessions are left as they were."""
    pooler = start_pooler(mode, size=size, **more)
    with contextlib.suppress(psycopg2.errors.UniqueViolation):
        trail.create_user("pooled", "a password for poolers")
    daemon = start_daemon(database=pooler.conninfo(), token_secret_file=secret_file, principal_cache_s=3600, login_attempts=100000,
                          query_timeout_ms=20000, request_timeout_ms=20000, address_requests_per_s=0, principal_requests_per_s=0)
    eventually(lambda: notice in daemon.log, "the pooler's mode shows")
    with ThreadPoolExecutor(CLIENTS) as pool:
        wrong = [one for found in pool.map(lambda number: work(daemon, trail, keys, number), range(CLIENTS)) for one in found]
    assert wrong == []
    assert "error" not in {line.split(" ")[1] for line in daemon.log.splitlines()}
    assert trail.execute("SELECT count(*) FROM audit_events WHERE event_type = 't5'")[0][0] >= 12
    if mode == "transaction":
        assert left_in_sessions(trail, pooler.conninfo(), size) == left_in_sessions(trail, trail.conninfo(), 1) * size
    daemon.stop()
    assert left_in_sessions(trail, pooler.conninfo(), size) == left_in_sessions(trail, trail.conninfo(), 1) * size


def test_revocation_is_noticed_at_once_in_session_mode(trail, start_pooler, start_daemon):
    pooler = start_pooler("session", size=20)
    daemon = start_daemon(database=pooler.conninfo(), principal_cache_s=3600)
    eventually(lambda: NOTICES_COME in daemon.log, "the echo came back")
    key = trail.create_api_key("revoked at once")
    assert daemon.client.list(key).status == 200
    trail.call("audit_revoke_api_key", "revoked at once")
    # Less than the time that a key is remembered where no notice comes.
    eventually(lambda: daemon.client.list(key).status == 401, "refused by the notice", 4)


def test_mode_that_changes_while_it_runs(trail, start_pooler, start_daemon):
    pooler = start_pooler("session", size=20)
    daemon = start_daemon(database=pooler.conninfo(), principal_cache_s=3600)
    eventually(lambda: NOTICES_COME in daemon.log, "the echo came back")
    pooler.stop()
    pooler.write_settings("transaction")
    eventually(lambda: daemon.client.get("/readyz").status == 503, "the pooler is away")
    pooler.start()
    eventually(lambda: daemon.client.get("/readyz").status == 200, "served again")
    eventually(lambda: NO_NOTICES in daemon.log, "the echo did not come back")
    key = trail.create_api_key("revoked after the change")
    assert daemon.client.list(key).status == 200
    trail.call("audit_revoke_api_key", "revoked after the change")
    eventually(lambda: daemon.client.list(key).status == 401, "refused")


def test_query_that_takes_too_long_ends_and_leaves_nothing(trail, keys, start_pooler, start_daemon):
    """The timeout is the transaction's, so it holds in whatever session the query is."""
    pooler = start_pooler("transaction")
    client = start_daemon(database=pooler.conninfo(), query_timeout_ms=300, request_timeout_ms=5000).client
    assert client.list(keys["reader"]).status == 200
    with contextlib.closing(trail.connect()) as lock:
        lock.autocommit = False
        lock.cursor().execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        assert client.list(keys["reader"]).status == 504
        lock.rollback()
    assert client.list(keys["reader"]).status == 200
    untouched = left_in_sessions(trail, trail.conninfo(), 1) * 2
    eventually(lambda: left_in_sessions(trail, pooler.conninfo(), 2) == untouched, "nothing is left, the test of notices neither")


def test_what_others_left_in_the_sessions_counts_for_nothing(trail, keys, start_pooler, start_daemon):
    """Clients of the same pool that set what they like, for as long as the session lives."""
    powerless = trail.create_role("powerless")
    trail.execute(f'GRANT "{powerless}" TO "{trail.frontend}"')
    trail.execute(f'CREATE SCHEMA evil AUTHORIZATION "{trail.frontend}"')
    trail.execute("CREATE FUNCTION evil.nullif(text, text) RETURNS text LANGUAGE sql AS 'SELECT 1/0'")
    trail.execute("CREATE FUNCTION evil.equal(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT 1/0 = 1'")
    trail.execute("CREATE OPERATOR evil.= (FUNCTION = evil.equal, LEFTARG = name, RIGHTARG = name)")
    pooler = start_pooler("transaction")
    daemon = start_daemon(database=pooler.conninfo(), principal_cache_s=0)
    expected = daemon.client.list(keys["reader"], user_id=1).ids
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(contextlib.closing(psycopg2.connect(pooler.conninfo()))) for _ in range(2)]
        for session in sessions:
            session.cursor().execute(f"""SET search_path = evil, pg_catalog; SET statement_timeout = 1; SET lock_timeout = 1;
                SET row_security = off; SET ROLE "{powerless}"; PREPARE list AS SELECT 1/0; PREPARE "check" AS SELECT 1/0""")
        for session in sessions:
            session.commit()
    for _ in range(20):
        assert daemon.client.list(keys["reader"], user_id=1).ids == expected
    assert daemon.client.request("POST", EVENTS, keys["writer"], json={"event_group": "g", "event_type": "t"}).status == 201
    another = start_daemon(database=pooler.conninfo())
    assert another.client.list(keys["reader"], user_id=1).ids == expected


def test_sessions_that_the_server_ends(trail, keys, start_pooler, start_daemon):
    pooler = start_pooler("transaction")
    daemon = start_daemon(database=pooler.conninfo())
    for _ in range(3):
        trail.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (trail.frontend,))
        eventually(lambda: daemon.client.list(keys["reader"]).status == 200, "served again")


def test_pooler_and_server_as_two_hosts(trail, keys, start_pooler, start_daemon):
    """Through the pooler while it is there, then directly, where statements are prepared."""
    pooler = start_pooler("transaction")
    server = trail.connection.info
    daemon = start_daemon(database=trail.conninfo(host=f"127.0.0.1,{server.host}", port=f"{pooler.port},{server.port}"))
    expected = daemon.client.list(keys["reader"], user_id=1).ids
    pooler.stop()
    eventually(lambda: daemon.client.list(keys["reader"], user_id=1).status == 200, "the server itself answers")
    assert [daemon.client.list(keys["reader"], user_id=1).ids for _ in range(5)] == [expected] * 5
    pooler.start()


def test_statement_mode_is_refused(start_pooler, start_daemon):
    daemon = start_daemon(database=start_pooler("statement").conninfo())
    answer = daemon.client.get("/readyz")
    assert (answer.status, answer.json()["detail"]) == (503, "The pooler of the database has no transactions")
    assert "set it to transaction or session mode" in daemon.log
