# Pages over local and foreign partitions: the local ones by posting lists, the foreign ones by SQL, each in its turn.
#   AUDIT_ENGINES_SEED         repeats a run (each run prints its seed)
#   AUDIT_FOREIGN_COMPARISONS  how many random pages are compared
import contextlib
import json
import os
import random

import psycopg2
import pytest
from psycopg2 import sql

from changing_events import make_events, set_up
from comparing import COMPARE, Comparer
from database import SCHEMA

SEED = int(os.environ.get("AUDIT_ENGINES_SEED", random.SystemRandom().randrange(2**32)))
COMPARISONS = int(os.environ.get("AUDIT_FOREIGN_COMPARISONS", 250))


def times(month, count=10):
    return [f"2025-{month:02}-10 10:{minute:02}Z" for minute in range(count)]


@pytest.fixture(scope="module")
def months(trail):
    """Oldest first: foreign, local, foreign, foreign, a gap (default partition), local; events in the default one around all."""
    for month, since, until in ((1, "2025-01-01", "2025-02-01"), (3, "2025-03-01", "2025-04-01"), (4, "2025-04-01", "2025-05-01")):
        trail.attach(f"far_{month}", since, until)
        trail.record(True, times(month), status=f"s{month % 2}")
    for since, until in (("2025-02-01", "2025-03-01"), ("2025-06-01", "2025-07-01")):
        trail.execute("SELECT audit_create_partition(%s, %s)", (since, until))
    for month in (2, 5, 6, 8):
        trail.record(False, times(month), status=f"s{month % 2}")
    trail.record(False, ["2024-12-10Z", "2024-12-11Z"], status="s0")
    return trail


def listed(trail, page_size, cursor=None, **filters):
    named = "".join(f", {name} => %({name})s" for name in filters)
    answer = trail.execute(f"SELECT audit_list_json(page_size => %(page_size)s, cursor => %(cursor)s{named})::text",
                           {"page_size": page_size, "cursor": cursor, **filters})[0][0]
    page = json.loads(answer)
    return [event["id"] for event in page["items"]], page["next_cursor"]


def expected(trail, condition="true"):
    """By PostgreSQL's own sort of all events."""
    return [id_ for id_, in trail.execute(f"SELECT id::text FROM audit_events WHERE {condition} ORDER BY created_at DESC, id DESC")]


def test_walks_with_pages_of_any_size(months):
    for filters, condition in (({}, "true"), ({"status": "s1"}, "status = 's1'"), ({"since": "2025-01-10 10:04Z", "until": "2025-06-10 10:05Z"},
                               "created_at >= '2025-01-10 10:04Z' AND created_at < '2025-06-10 10:05Z'"), ({"event_type": "none"}, "false")):
        whole = expected(months, condition)
        for page_size in (*range(1, 42), 71, 72, 73, 200):
            walked, cursor = listed(months, page_size, **filters)
            while cursor is not None:
                more, cursor = listed(months, page_size, cursor, **filters)
                assert 0 < len(more) <= page_size
                walked += more
            assert walked == whole, (filters, page_size)


def test_only_partitions_that_the_page_reaches_are_asked(months):
    far = "partition far_{} is not an ordinary table".format
    assert months.explain(event_group="g", page_size=20) == ("posting", None)
    # The 31st event shows that there is a next page.
    assert months.explain(event_group="g", page_size=29) == ("posting", None)
    assert months.explain(event_group="g", page_size=30) == ("mixed", far(4))
    assert months.explain(event_group="g", page_size=40) == ("mixed", f"{far(4)}; {far(3)}")
    assert months.explain(event_group="g", page_size=10, until="2025-03-01Z") == ("mixed", far(1))
    assert months.explain(event_group="g", page_size=9, until="2025-03-01Z") == ("posting", None)
    assert months.explain(event_group="g", event_type="none") == ("mixed", "; ".join(map(far, (4, 3, 1))))
    assert months.explain(event_group="g", since="2025-06-01Z") == ("posting", None)


def test_sql_answers_all_where_it_must(months):
    assert "row-level" not in (months.explain()[1] or "")
    with contextlib.closing(months.connect()) as connection, connection.cursor() as session:
        session.execute("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT value FROM audit_explain() WHERE name IN ('engine', 'reason') ORDER BY name")
        assert session.fetchall() == [("sql",), ("the transaction is serializable",)]


def test_the_default_partition_has_no_part_of_its_own(months):
    """What is in it may lie between all others: without its index, SQL answers the whole page."""
    with contextlib.closing(months.connect()) as connection, connection.cursor() as session:
        session.execute("SET audit_ext.allow_changes = on; BEGIN; ALTER TABLE audit_events_default DROP CONSTRAINT audit_events_default_pkey;"
                        " SELECT value FROM audit_explain() WHERE name IN ('engine', 'reason') ORDER BY name")
        assert session.fetchall() == [("sql",), ("partition audit_events_default has no primary key (created_at, id) that can be used",)]
        session.execute("ROLLBACK")


def test_pages_end_by_their_size_at_the_same_event(months):
    with contextlib.closing(months.connect()) as connection, connection.cursor() as session:
        for limit in ("5kB", "9kB", "11kB", "20kB"):
            session.execute("SELECT set_config('audit_ext.max_page_size', %s, false)", (limit,))
            answers = []
            for engine in ("sql", "auto"):
                session.execute("SELECT set_config('audit_ext.engine', %s, false)", (engine,))
                session.execute("SELECT array_agg(audit_list_json(until => t)::text) FROM unnest(%s::timestamptz[]) t",
                                (["2025-05-01Z", "2025-06-10 10:01Z", "2025-02-10 10:03Z"],))
                answers.append(session.fetchone())
            assert answers[0] == answers[1] and "next_cursor\":null" not in answers[0][0][0], limit


@pytest.fixture(scope="module")
def reader(months):
    role = months.create_role("reader")
    months.call("audit_grant_reader", role)
    return role


def as_role(trail, role, *statements):
    """The last one's rows, in a session of that role."""
    with contextlib.closing(trail.connect()) as connection, connection.cursor() as session:
        session.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        for statement in statements:
            session.execute(statement)
        return session.fetchall()


PAGE = "SELECT audit_list_json(page_size => 200)::text"
HOW = "SELECT value FROM audit_explain(page_size => 200) WHERE name IN ('engine', 'reason') ORDER BY name"


def test_rights_and_policies_are_those_of_any_select(months, reader):
    both = [as_role(months, reader, f"SET audit_ext.engine = {engine}", PAGE) for engine in ("sql", "auto")]
    assert both[0] == both[1] and both[0][0][0].count('"id"') == len(expected(months))
    assert as_role(months, reader, HOW)[0] == ("mixed",)
    nobody = months.create_role("nobody")
    months.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}; GRANT EXECUTE ON FUNCTION audit_list_json TO {}").format(
        sql.Identifier(SCHEMA), sql.Identifier(nobody), sql.Identifier(nobody)))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_role(months, nobody, PAGE)
    months.execute(sql.SQL("ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;"
                           " CREATE POLICY own ON audit_events FOR SELECT TO {} USING (status = 's1')").format(sql.Identifier(reader)))
    try:
        both = [as_role(months, reader, f"SET audit_ext.engine = {engine}", PAGE) for engine in ("sql", "auto")]
        assert both[0] == both[1] and both[0][0][0].count('"id"') == len(expected(months, "status = 's1'"))
        assert as_role(months, reader, HOW) == [("sql",), ("row-level security applies",)]
    finally:
        months.execute("DROP POLICY own ON audit_events; ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY")


def test_same_bytes_on_random_walks(second_server):
    """Big partitions on both servers, those of changing_events.py among them; two of them turn foreign."""
    from archive import ArchivedTrail
    random_ = random.Random(SEED)
    trail = ArchivedTrail(second_server)
    try:
        trail.execute("DELETE FROM audit_configuration")
        trail.remote.execute("DELETE FROM audit_configuration")
        for database in (trail, trail.remote):
            set_up(database, random_, 1500)
        for name, since, until in (("audit_events_20240101", "2024-01-01", "2024-02-01"),
                                   ("audit_events_20240301", "2024-03-01", "2024-03-02")):
            trail.execute(f"DROP TABLE {name}")
            trail.attach(name, since, until, name)
        make_events(trail.remote, random_, 500, "2024-03-01", "2024-03-02", False)
        trail.execute("ANALYZE audit_events_20240101, audit_events_20240301")
        trail.execute(COMPARE)
        comparer = Comparer(random_, SEED)
        with contextlib.closing(trail.connect()) as connection, connection.cursor() as session:
            while comparer.pages < COMPARISONS:
                comparer.compare(session, [random_.choice((1, 3, 20)) for _ in range(10)])
        print(f"AUDIT_ENGINES_SEED={SEED}: {comparer}")
        assert comparer.mixed > comparer.pages / 5 and comparer.by_posting > comparer.pages / 20
        assert comparer.pages == comparer.mixed + comparer.by_posting
    finally:
        trail.drop()
