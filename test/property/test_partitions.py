# Each event is seen exactly once while partitions are made, filled from the default partition, and dropped. Every step of
# maintenance is held up at the moment that matters. bench/retention does the same under load.
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time

import psycopg2
import pytest

from database import temporary_database

EVENTS = 400
FILL = """
INSERT INTO audit_events (created_at, event_group, event_type, vm_id)
SELECT now() - n * interval '6 hours', 'g', 't', 'vm-' || n %% 3 FROM generate_series(0, %s) n""" % (EVENTS - 1)


@pytest.fixture
def database():
    with temporary_database() as database:
        database.execute(FILL)
        yield database


@pytest.fixture
def small_disk():
    """A file system of 4 MB with a folder of the server's, which is the tablespace audit_test_small."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    path = tempfile.mkdtemp(prefix="audit_test_disk_", dir="/var/tmp")
    os.chmod(path, 0o755)
    try:
        mount = [*as_root, "mount", "-t", "tmpfs", "-o", "size=4m,mode=1777", "tmpfs", path]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("no right to mount a small file system, so no disk to fill here")
        try:
            with contextlib.closing(psycopg2.connect(dbname=os.environ.get("PGDATABASE", "postgres"))) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    # By the server, whose the folder must be.
                    cursor.execute(f"COPY (SELECT) TO PROGRAM 'mountpoint {path} && mkdir -m 700 {path}/tablespace'")
                    cursor.execute(f"CREATE TABLESPACE audit_test_small LOCATION '{path}/tablespace'")
                    yield path
                    cursor.execute("DROP TABLESPACE audit_test_small")
        finally:
            subprocess.run([*as_root, "umount", "-l", path], check=True)
    finally:
        os.rmdir(path)


@contextlib.contextmanager
def session(database, isolation=None):
    """A session; with an isolation level, in a transaction of that level."""
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        if isolation:
            cursor.execute(f"BEGIN ISOLATION LEVEL {isolation}")
        yield cursor


def value(cursor, statement, arguments=None):
    cursor.execute(statement, arguments)
    return cursor.fetchone()[0]


def step(cursor, name):
    try:
        return value(cursor, "SELECT audit_run_step(%s)", (name,))
    except psycopg2.errors.LockNotAvailable:
        return "busy"


def copy_all(cursor):
    while step(cursor, "move_copy") == "more":
        pass
    return step(cursor, "move_wait")


def ids(cursor, statement="SELECT id::text FROM audit_events WHERE event_group = 'g'"):
    cursor.execute(statement)
    return sorted(row[0] for row in cursor.fetchall())


def maintain(database):
    with session(database) as cursor:
        cursor.execute("CALL audit_maintain()")


def assert_whole(database, expected):
    with session(database) as cursor:
        assert ids(cursor) == expected
        assert value(cursor, "SELECT default_events FROM audit_status") == 0
        assert value(cursor, "SELECT last_error FROM audit_status") is None
        assert value(cursor, "SELECT to_regclass('audit_events_move')") is None


@pytest.mark.parametrize("engine", ("posting", "sql"))
def test_a_walk_across_every_step(database, engine):
    with session(database) as reader, session(database) as maintainer, session(database) as writer:
        expected = ids(reader)
        reader.execute(f"SET audit_ext.engine = {engine}")
        steps = iter((
            lambda: step(maintainer, "move_begin"), lambda: copy_all(maintainer), lambda: step(maintainer, "move_finish"),
            lambda: step(maintainer, "create_due"), lambda: maintainer.execute("SELECT audit_configure(keep => '1 year')"),
            lambda: step(maintainer, "drop_expired")))
        seen, cursor = [], None
        while True:
            reader.execute("SELECT id::text, next_cursor FROM audit_list(event_group => 'g', page_size => 50, cursor => %s)", (cursor,))
            rows = reader.fetchall()
            seen += [row[0] for row in rows]
            cursor = rows[-1][1]
            if cursor is None:
                break
            next(steps, lambda: None)()
            writer.execute("SELECT audit_log('g', 'later', created_at => now() + interval '1 hour')")
        assert sorted(seen) == expected


def test_a_snapshot_from_before_the_copies_is_waited_for(database):
    with session(database) as maintainer, session(database, "REPEATABLE READ") as old:
        value(old, "SELECT 1")  # has a snapshot, and no lock on audit_events
        assert step(maintainer, "move_begin") == "done"
        assert copy_all(maintainer) == "busy"
        assert step(maintainer, "move_finish") == "again"
        expected = ids(old)
        old.execute("COMMIT")
        assert step(maintainer, "move_wait") == "done"
        assert step(maintainer, "move_finish") == "done"
        while step(maintainer, "move_clean") == "more":
            pass
    assert_whole(database, expected)


def test_a_snapshot_from_after_the_copies_sees_each_event_once(database):
    with session(database) as maintainer, session(database) as writer, session(database, "REPEATABLE READ") as reader:
        assert step(maintainer, "move_begin") == "done"
        writer.execute("BEGIN")
        writer.execute("SELECT audit_log('g', 'open', created_at => now() - interval '1 day')")
        writer.execute("SELECT audit_log('g', 'seen', created_at => now() - interval '1 day')")
        writer.execute("COMMIT")
        writer.execute("BEGIN")
        writer.execute("SELECT audit_log('g', 'not yet', created_at => now() - interval '1 day')")
        copy_all(maintainer)
        value(reader, "SELECT 1")
        writer.execute("COMMIT")
        writer.execute("SELECT audit_log('g', 'later', created_at => now() - interval '2 days')")
        assert step(maintainer, "move_finish") == "done"
        seen = ids(reader)
        assert len(seen) == len(set(seen)) == EVENTS + 2
        assert value(reader, "SELECT count(*) FROM audit_events WHERE event_type IN ('not yet', 'later')") == 0
        assert len(ids(writer)) == EVENTS + 4


def test_no_session_waits_for_maintenance_that_waits(database):
    with session(database) as maintainer, session(database) as other, session(database, "READ COMMITTED") as reader:
        assert step(maintainer, "move_begin") == "done"
        copy_all(maintainer)
        expected = ids(reader)  # holds its lock until COMMIT
        assert step(maintainer, "move_finish") == "busy"
        other.execute("SET lock_timeout = '5s'")
        assert ids(other) == expected
        other.execute("SELECT audit_configure(keep => '1 month')")
        assert step(maintainer, "drop_expired") == "done"  # nothing is in a partition yet
        reader.execute("COMMIT")
        assert step(maintainer, "move_finish") == "done"
        reader.execute("BEGIN")
        ids(reader)
        assert step(maintainer, "drop_expired") == "busy"
        reader.execute("COMMIT")
        assert step(maintainer, "drop_expired") == "more"


def test_a_partition_is_made_beside_those_at_work_in_others(database):
    maintain(database)
    with session(database) as maintainer, session(database, "READ COMMITTED") as reader:
        maintainer.execute("SELECT audit_configure(premake => 4)")
        reader.execute("LOCK TABLE ONLY audit_events IN ROW EXCLUSIVE MODE")  # as who writes into a partition
        assert step(maintainer, "create_due") == "more"
        reader.execute("LOCK TABLE ONLY audit_events_default IN ACCESS SHARE MODE")
        maintainer.execute("SELECT audit_configure(premake => 5)")
        assert step(maintainer, "create_due") == "busy"


def test_partitions_lie_where_the_trail_does(database):
    with session(database) as cursor:
        cursor.execute("SET allow_in_place_tablespaces = on")
        cursor.execute("CREATE TABLESPACE audit_test_place LOCATION ''")
        try:
            cursor.execute("ALTER TABLE audit_events SET TABLESPACE audit_test_place")
            cursor.execute("CALL audit_maintain()")
            assert value(cursor, "SELECT count(*) FROM pg_tables WHERE tablename ~ '^audit_events_[0-9]' AND tablespace IS DISTINCT FROM 'audit_test_place'") == 0
            assert value(cursor, "SELECT partitions FROM audit_status") > 4
        finally:
            cursor.execute("SET audit_ext.allow_changes = on; DROP EXTENSION audit_ext CASCADE")
            cursor.execute("DROP TABLESPACE audit_test_place")


def test_a_hold_that_comes_meanwhile_wins(database):
    maintain(database)
    with session(database) as maintainer, session(database, "READ COMMITTED") as lawyer:
        maintainer.execute("SELECT audit_configure(keep => '1 month')")
        lawyer.execute("SELECT audit_hold(NULL, NULL, 'case 1')")
        assert step(maintainer, "drop_expired") == "busy"
        lawyer.execute("COMMIT")
        assert step(maintainer, "drop_expired") == "done"
        assert len(ids(maintainer)) == EVENTS


def test_the_second_one_says_so(database):
    with session(database) as first, session(database) as second:
        first.execute("BEGIN; LOCK TABLE audit_maintenance IN SHARE UPDATE EXCLUSIVE MODE")  # as a run does
        second.execute("CALL audit_maintain()")
        assert any("at work in another session" in notice for notice in second.connection.notices)
        assert value(second, "SELECT last_run FROM audit_status") is None
        first.execute("COMMIT")
    expected = ids(database.connection.cursor())
    failures = []

    def run():
        try:
            maintain(database)
        except psycopg2.Error as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert_whole(database, expected)


def test_a_full_disk_during_the_move(small_disk, database):
    """The partitions that events move to lie on a disk that gets full."""
    ballast = os.path.join(small_disk, "ballast")
    with session(database) as cursor:
        expected = ids(cursor)
        cursor.execute("SET default_tablespace = audit_test_small")
        assert step(cursor, "move_begin") == "done"
        with open(ballast, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free)
        for _ in range(2):  # the second run fails like the first
            with pytest.raises(psycopg2.Error) as raised:
                cursor.execute("CALL audit_maintain()")
            assert raised.value.pgcode == "55000"
            assert "No space left on device" in raised.value.diag.message_detail
            assert "No space left on device" in value(cursor, "SELECT last_error FROM audit_status")
            assert value(cursor, "SELECT is_behind FROM audit_status")
            assert ids(cursor) == expected
        # Recording an event of a time that is about to be moved takes that disk too, and gets the error.
        with pytest.raises(psycopg2.errors.DiskFull):
            for _ in range(EVENTS):
                cursor.execute("SELECT audit_log('g', 't', created_at => now() - interval '1 day')::text")
                expected.append(cursor.fetchone()[0])
        os.remove(ballast)
        cursor.execute("CALL audit_maintain()")
        expected.sort()
        assert value(cursor, "SELECT count(*) > 0 FROM pg_tables WHERE tablespace = 'audit_test_small'")
    assert_whole(database, expected)


def test_a_run_that_is_cancelled_lets_go(database):
    with session(database) as watcher, session(database, "REPEATABLE READ") as old:
        expected = ids(old)  # its snapshot keeps the run waiting
        outcome = []

        def run():
            try:
                maintain(database)
            except psycopg2.Error as failure:
                outcome.append(failure.pgcode)

        thread = threading.Thread(target=run)
        thread.start()
        deadline = time.monotonic() + 60
        while not value(watcher, "SELECT count(*) > 0 AND bool_and(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
                                 "AND query LIKE 'CALL audit_maintain%' AND state = 'active' AND to_regclass('audit_events_move') IS NOT NULL"):
            assert time.monotonic() < deadline
        thread.join(60)
        assert outcome == ["57014"]
        assert ids(watcher) == expected
        watcher.execute("BEGIN; LOCK TABLE audit_maintenance IN SHARE UPDATE EXCLUSIVE MODE NOWAIT; COMMIT")
        old.execute("COMMIT")
    maintain(database)
    assert_whole(database, expected)
