# What the posting engine remembers of partitions is forgotten when they change. A session that reads all the while compares
# its answers with those of SQL.
import contextlib
import random

import psycopg2
import pytest

from changing_events import set_up
from database import temporary_database


@pytest.fixture(scope="module")
def database():
    with temporary_database() as database:
        set_up(database, random.Random(1), 500)
        yield database


def page(session, engine):
    session.execute(f"SET audit_ext.engine = {engine}")
    session.execute("SELECT audit_list_json(status => 'failure')::text")
    return session.fetchone()[0]


def look(session):
    """Which engine answers, and how many partitions it looks into for a value that is nowhere."""
    assert page(session, "posting") == page(session, "sql")
    session.execute("RESET audit_ext.engine")
    session.execute("SELECT value FROM audit_explain(vm_id => 'none') WHERE name IN ('engine', 'partitions_opened')")
    return [value for (value,) in session.fetchall()]


def test_definitions_change(database):
    with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        assert look(session) == ["posting", "5"]
        for change, expected in (
                ("CREATE INDEX spare ON by_hand USING gin (session_id, vm_id, user_id, status, event_type, event_group)", "posting"),
                ("DROP INDEX by_hand_filters", "posting"),  # the spare one will do, though its columns are in another order
                ("DROP INDEX spare", "mixed"),
                ("CREATE INDEX by_hand_filters ON by_hand USING gin (event_group, event_type, status, user_id, vm_id, session_id)", "posting"),
                ("CREATE INDEX all_filters ON by_hand USING gin (event_group, event_type, status, user_id, vm_id, session_id, "
                 "request_id audit_bucket_ops, task_id audit_bucket_bigint_ops, source audit_prefix_ops)", "posting"),
                ("DROP INDEX all_filters", "posting"),
                ("REINDEX INDEX by_hand_filters", "posting"),
                ("REINDEX TABLE CONCURRENTLY by_hand", "posting"),
                ("VACUUM FULL by_hand", "posting"),
                ("ALTER TABLE by_hand DROP CONSTRAINT by_hand_pkey", "mixed"),
                ("ALTER TABLE by_hand ADD CONSTRAINT by_hand_pkey PRIMARY KEY (created_at, id)", "posting"),
                ("DROP INDEX by_hand_ranges", "posting"),
                ("CREATE INDEX by_hand_ranges ON by_hand USING brin (created_at)", "posting"),
                ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_hand_filters'::regclass", "mixed"),
                ("UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'by_hand_filters'::regclass", "posting"),
                ("ALTER TABLE audit_events ADD COLUMN added int DEFAULT 7", "posting"),
                ("ALTER TABLE audit_events DROP COLUMN added", "posting")):
            database.execute(change)
            assert look(session)[0] == expected, change
        database.execute("DROP TABLE audit_events_20240301")
        assert look(session) == ["posting", "4"]
        database.execute("SELECT audit_create_partition('2024-03-01', '2024-03-02')")
        assert look(session) == ["posting", "5"]


def test_locked_primary_key(database):
    """A primary key that is being rebuilt is SQL's to wait for: the posting engine holds other locks by then."""
    with contextlib.closing(database.connect()) as other, other.cursor() as rebuilding, \
         contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        assert look(session)[0] == "posting"
        other.autocommit = False
        rebuilding.execute("REINDEX INDEX audit_events_default_pkey")
        session.execute("SET lock_timeout = '100 ms'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            session.execute("SELECT audit_list_json(status => 'failure')")
        other.rollback()
        assert look(session)[0] == "posting"
