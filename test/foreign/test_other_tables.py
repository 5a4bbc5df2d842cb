# The remote table is not what it should be: other columns, other rows, values that no trail would take. No server may crash of it.
import json

import psycopg2
import pytest

from archive import ArchivedTrail
from database import COLUMNS

ROWS = "SELECT * FROM audit_events WHERE event_group = 'g'"


@pytest.fixture(scope="module")
def other(second_server):
    """A trail whose partition of January reads the remote table "other", and no other events."""
    trail = ArchivedTrail(second_server)
    trail.execute("SET audit_ext.allow_changes = on")
    trail.remote.execute("SELECT audit_create_partition('2025-01-01', '2025-02-01')")
    trail.record(True, ["2025-01-10 10:00Z", "2025-01-10 10:01Z", "2025-01-10 10:01Z"], latency_ms=0.1, user_agent="ä\u2028\\")
    trail.attach("far", "2025-01-01", "2025-02-01", "other")
    trail.execute("DELETE FROM audit_events_default")
    yield trail
    trail.drop()


def both(trail, arguments=""):
    """The page of both engines, or the SQLSTATE of its error."""
    answers = []
    for engine in ("sql", "auto"):
        trail.execute(f"SET audit_ext.engine = {engine}")
        try:
            answers.append(trail.execute(f"SELECT audit_list_json({arguments})::text")[0][0])
        except psycopg2.Error as error:
            answers.append(error.pgcode)
    return answers


@pytest.fixture
def remote(other):
    """Makes the remote table."""
    yield lambda *statements: [other.remote.execute(statement) for statement in statements]
    other.remote.execute("DROP TABLE IF EXISTS other; DROP VIEW IF EXISTS other_view")


def test_the_same_columns_in_another_order_and_more(other, remote):
    remote(f"CREATE TABLE other AS SELECT 1 AS more, {', '.join(reversed(COLUMNS))} FROM ({ROWS}) e")
    page = other.remote.execute("SELECT audit_list_json('g')::text")[0][0]
    assert both(other, "'g'") == [page, page] and page.count('"id"') == 3


def test_a_server_with_other_settings(other, remote):
    """postgres_fdw asks for times and numbers in a form that does not depend on them."""
    remote(f"CREATE TABLE other AS {ROWS}", *(f"ALTER DATABASE {other.remote.name} SET {setting}" for setting in (
        "TimeZone = 'Asia/Kathmandu'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'", "extra_float_digits = -10",
        "client_encoding = 'LATIN1'", "search_path = 'none'", "default_transaction_isolation = 'serializable'")))
    page = other.remote.execute("SELECT audit_list_json('g')::text")[0][0]
    other.execute("SELECT postgres_fdw_disconnect_all()")
    assert both(other, "'g'") == [page, page]
    remote(f"ALTER DATABASE {other.remote.name} RESET ALL")


def test_texts_of_another_collation(other, remote):
    remote(f"CREATE TABLE other AS {ROWS}", 'ALTER TABLE other ALTER event_group TYPE text COLLATE "en-x-icu", ALTER status TYPE text COLLATE "C"',
           "UPDATE other SET status = chr(64 + n::int) FROM (SELECT id AS of, row_number() OVER (ORDER BY id) AS n FROM other) x WHERE id = of")
    for arguments in ("event_group => 'g'", "event_group => 'G'", "status => 'A'", "status => 'a'", "event_group => 'g', status => 'B'"):
        by_sql, by_both = both(other, arguments)
        assert by_sql == by_both
        assert len(json.loads(by_both)["items"]) == {"event_group => 'g'": 3, "status => 'A'": 1, "event_group => 'g', status => 'B'": 1}.get(arguments, 0)


@pytest.mark.parametrize("change, sqlstate", [("DROP COLUMN status", "42703"), ("ALTER latency_ms TYPE text USING 'fast'", "22P02"),
                                              ("ALTER id TYPE text USING 'none'", "22P02"), ("RENAME TO none", "42P01")])
def test_a_table_that_cannot_be_read_is_an_error(other, remote, change, sqlstate):
    remote("DROP TABLE IF EXISTS none", f"CREATE TABLE other AS {ROWS}", f"ALTER TABLE other {change}")
    assert both(other) == [sqlstate, sqlstate]


def test_rows_that_belong_elsewhere_are_not_shown_twice(other, remote):
    """PostgreSQL believes that a partition has just its own rows. The pages of the posting engine ask for no others."""
    remote(f"CREATE TABLE other AS {ROWS}; INSERT INTO other SELECT * FROM other; INSERT INTO other SELECT (e).* FROM"
           " (SELECT jsonb_populate_record(o, jsonb_build_object('created_at', '2030-01-01Z', 'id', gen_random_uuid())) AS e FROM other o) x")
    assert other.remote.execute("SELECT count(*) FROM other") == [(12,)]
    seen, cursor = [], None
    other.execute("SET audit_ext.engine = auto")
    while not seen or cursor is not None:
        page = other.execute("SELECT audit_list_json('g', page_size => 2, cursor => %s)", (cursor,))[0][0]
        seen += [event["id"] for event in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [id_ for id_, in other.remote.execute(f"SELECT id::text FROM ({ROWS}) e ORDER BY created_at DESC, id DESC")]


@pytest.mark.parametrize("value", ["id = NULL", "created_at = NULL", "created_at = 'infinity'", "created_at = '-infinity'", "created_at = '290000-01-01Z'",
                                   "created_at = '4000-01-01Z BC'", "latency_ms = 'NaN'", "latency_ms = 'Infinity'", "latency_ms = 1e-320", "event_group = NULL",
                                   "event_type = repeat('x', 100000)", "event_payload = (repeat('[', 5000) || repeat(']', 5000))::jsonb",
                                   "event_payload = ('1' || repeat('0', 100000))::jsonb", "ip_address = '::/0'", "error_message = repeat(chr(1), 300000)"])
def test_values_that_no_trail_would_take(other, remote, value):
    """A page, or an error, of both engines. The server is still there, and what is shown is JSON."""
    remote(f"CREATE TABLE other AS {ROWS}", f"UPDATE other SET {value}")
    pid = other.execute("SELECT pg_backend_pid()")
    for arguments in ("", "page_size => 1", "until => '2025-01-20Z'"):
        for answer in both(other, arguments):
            if len(answer) == 5:
                assert answer in ("HV000", "22008"), answer
            else:
                other.execute("SELECT (%s::json)::text", (answer,))
    for read in ("SELECT count(*) FROM audit_list()", "SELECT audit_get_json(id)::text FROM audit_events", "SELECT oldest_event FROM audit_status"):
        try:
            other.execute(read)
        except psycopg2.Error as error:
            assert error.pgcode in ("HV000", "22008"), (read, error)
    assert other.execute("SELECT pg_backend_pid()") == pid
