# The server of old partitions is down, hangs, or dies in the middle of a page. What does not need it goes on, what does fails whole.
import contextlib
import json
import uuid

import psycopg2
import psycopg2.extras
import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon import Daemon
from http_client import EVENTS
from support import eventually


@pytest.fixture(scope="module")
def months(trail):
    """One event each: in January on the other server, in February here and in the default partition."""
    trail.execute("SELECT audit_create_partition('2025-02-01', '2025-03-01')")
    trail.attach("far", "2025-01-01", "2025-02-01")
    trail.record(True, ["2025-01-10 10:00Z", "2025-01-10 10:01Z"])
    trail.record(False, ["2025-02-10 10:00Z", "2025-02-10 10:01Z", "2025-03-10 10:00Z"])
    return trail


@pytest.fixture
def away(months, second_server):
    second_server.stop()
    yield months
    second_server.start()
    months.remote.reconnect()


@pytest.fixture(scope="module")
def daemon(months):
    daemon = Daemon(database=months.conninfo(), admin_listen="127.0.0.1:0", pool_size=2, query_timeout_ms=1500)
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def key(months):
    months.call("audit_grant_writer", months.frontend)
    return months.create_api_key("all", scopes=["audit:read", "audit:write"])


def assert_unavailable(answer):
    assert answer.status == 503 and answer.headers["Retry-After"] == "1"
    assert answer.json() == {"detail": "Database unavailable"}


def test_pages_that_do_not_reach_the_server_go_on(away, daemon, key):
    newest = away.execute("SELECT id::text FROM audit_list('g', page_size => 2)")
    assert len(newest) == 2
    assert daemon.client.list(key, event_group="g", limit=2).ids == [id_ for id_, in newest]
    assert len(daemon.client.list(key, event_group="g", since="2025-02-01T00:00:00Z").ids) == 3


def test_pages_that_reach_it_fail_whole(away, daemon, key):
    for statement in ("SELECT id FROM audit_list()", "SELECT audit_list_json('g', page_size => 3)", "SELECT * FROM audit_explain()"):
        with pytest.raises(psycopg2.errors.SqlclientUnableToEstablishSqlconnection):
            away.execute(statement)
    for limit in (3, 200):
        assert_unavailable(daemon.client.list(key, event_group="g", limit=limit))
    cursor = daemon.client.list(key, event_group="g", limit=2).json()["next_cursor"]
    assert_unavailable(daemon.client.list(key, event_group="g", limit=2, cursor=cursor))
    assert "SQLSTATE 08001: could not connect to server" in daemon.log
    assert daemon.client.get("/readyz").status == 200
    assert daemon.client.list(key, limit=2).status == 200


def test_events_are_recorded_unless_their_id_may_be_over_there(away, daemon, key):
    """An id without a time could be in any partition. So it cannot be known to be new."""
    def post(event):
        headers = {"Content-Type": "application/json"}
        return daemon.client.request("POST", EVENTS, key, headers=headers, data=json.dumps({"event_group": "g", "event_type": "t", **event}))
    assert post({}).status == 201
    assert_unavailable(post({"id": str(uuid.uuid4())}))
    assert_unavailable(post({"created_at": "2025-01-05T00:00:00Z"}))


def test_the_status_does_not_depend_on_it(away, daemon):
    status = away.rows("SELECT * FROM audit_status")[0]
    assert status["oldest_event"] is None and status["partitions"] == 3 and status["bytes"] > 0
    assert any("oldest event of partition \"far\" is not known" in notice for notice in away.connection.notices)
    with contextlib.closing(away.connect()) as connection, connection.cursor() as session:
        session.execute("CALL audit_maintain()")
    samples = {sample.name for family in text_string_to_metric_families(daemon.admin.get("/metrics").text) for sample in family.samples}
    assert "audit_trail_bytes" in samples


def test_all_is_well_when_it_is_back(months, daemon, key):
    """The sessions connect again by themselves."""
    eventually(lambda: daemon.client.list(key).status == 200, "served again")
    assert len(daemon.client.list(key).ids) >= 5
    assert months.rows("SELECT oldest_event FROM audit_status")[0]["oldest_event"].isoformat().startswith("2025-01-10")


@contextlib.contextmanager
def locked(trail):
    """The remote table, so that the page waits for it in the middle."""
    with contextlib.closing(trail.remote.connect()) as connection:
        connection.autocommit = False
        connection.cursor().execute("LOCK TABLE audit_events_20250101 IN ACCESS EXCLUSIVE MODE")
        yield connection


def waiting(trail):
    return trail.remote.execute("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


def test_a_page_that_waits_for_it_ends_at_its_time_and_leaves_nothing_behind(months, daemon, key):
    with locked(months):
        assert daemon.client.list(key).status == 504
        with contextlib.closing(months.connect()) as connection, connection.cursor() as session:
            session.execute("SET statement_timeout = '300ms'")
            with pytest.raises(psycopg2.errors.QueryCanceled):
                session.execute("SELECT audit_list_json()")
            session.execute("SELECT audit_list_json(page_size => 2)")
        eventually(lambda: not waiting(months), "the remote queries are cancelled too")
        assert daemon.client.list(key, limit=2).status == 200
    assert daemon.client.list(key).status == 200


def test_a_server_that_dies_in_the_middle_of_a_page(months, second_server):
    with contextlib.closing(months.connect()) as connection, connection.cursor() as session, locked(months):
        asynchronous = psycopg2.connect(**{**connection.get_dsn_parameters(), "password": None}, async_=True)
        wait = psycopg2.extras.wait_select
        wait(asynchronous)
        cursor = asynchronous.cursor()
        cursor.execute('SELECT "Audit trail".audit_list_json()')
        eventually(lambda: waiting(months), "the page waits")
        second_server.kill()
        with pytest.raises(psycopg2.Error) as failure:
            wait(asynchronous)
        assert failure.value.pgcode in ("08006", "57P01", "57P02"), failure.value
        cursor.execute('SELECT "Audit trail".audit_list_json(page_size => 2)')
        wait(asynchronous)
        assert len(cursor.fetchone()[0]["items"]) == 2
        asynchronous.close()
    second_server.start()
    months.remote.reconnect()
    assert len(months.execute("SELECT id FROM audit_list()")) >= 5
