# The rounds of run_long: power_cut.py CLUSTER_SCRIPT DIRECTORY
import contextlib
import os
import random
import subprocess
import sys
import threading

import psycopg2
import psycopg2.extras

CLUSTER, DIRECTORY = sys.argv[1:]
ROUNDS = int(os.environ.get("POWER_CUT_ROUNDS", 10))
SEED = int(os.environ.get("POWER_CUT_SEED", random.SystemRandom().randrange(2**32)))
WRITERS = 8
DEADLINE_S = 60
ROUNDS_A_TRAIL = 10  # then a new one, since looking through all of it takes longer each time

# Checkpoints, merges of pending lists and page splits shall be under way when the plug is pulled.
SETTINGS = ("checkpoint_timeout = '30s'", "max_wal_size = '64MB'", "gin_pending_list_limit = '64kB'", "autovacuum_naptime = '1s'", "timezone = 'UTC'",
            "autovacuum_vacuum_insert_threshold = 1000", "autovacuum_vacuum_insert_scale_factor = 0")
INSERT = """INSERT INTO audit_events (created_at, user_id, event_group, event_type, status, vm_id, session_id, event_payload)
  SELECT CASE WHEN random() < 0.8 THEN clock_timestamp() ELSE timestamptz '2024-01-01' - %s * interval '1 year' + random() * interval '90 days' END,
         (random() * 100)::int, (ARRAY['vm', 'auth', 'Größe'])[1 + (random() * 2)::int], 'type ' || (random() * 10)::int,
         CASE WHEN random() < 0.9 THEN 'success' ELSE 'failure' END, 'vm-' || (random() ^ 2 * 50)::int, %s, '{"a": [1, 2, 3]}'
  FROM generate_series(1, %s) RETURNING id::text"""
FILTERS = ({}, {"event_group": "vm"}, {"event_group": "Größe", "status": "failure"}, {"vm_id": "vm-0"}, {"vm_id": "vm-49", "event_group": "auth"},
           {"user_id": 7}, {"event_type": "type 3", "status": "failure"}, {"session_id": "writer 3"}, {"vm_id": "none"})


def cluster(command):
    done = subprocess.run([CLUSTER, command, DIRECTORY], stdout=subprocess.PIPE, text=True, check=True, timeout=2 * DEADLINE_S)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def connect(server, database="trail"):
    connection = psycopg2.connect(host=server["PGHOST"], port=server["PGPORT"], user=server["PGUSER"], dbname=database)
    connection.autocommit = True
    return connection


def rows(connection, statement, arguments=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []


class Writers:
    """Sessions that insert until the server is gone. Of each transaction they know whether its commit was confirmed."""

    def __init__(self, server, seed, years_ago):
        self._server = server
        self._years_ago = years_ago  # where there is no partition yet
        self._changed = threading.Condition()
        self.confirmed = []  # lists of ids, a list a transaction
        self.unknown = []  # the server went away while they were committed: all or nothing
        self.undone = []  # rolled back, or cut off before their commit was asked for
        self._threads = [threading.Thread(target=self._write, args=(number, random.Random(seed + number))) for number in range(WRITERS)]
        self._threads.append(threading.Thread(target=self._maintain))
        for thread in self._threads:
            thread.start()

    def _write(self, number, random_):
        with contextlib.suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            with contextlib.closing(connect(self._server)) as connection:
                connection.autocommit = False
                while True:
                    self._transaction(connection, number, random_)

    def _maintain(self):
        """Events are on their way out of the default partition when the plug is pulled."""
        with contextlib.suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            with contextlib.closing(connect(self._server)) as connection:
                while True:
                    rows(connection, "CALL audit_maintain()")

    def _transaction(self, connection, number, random_):
        ids = []
        self._note(self.undone, ids)  # until its commit is asked for
        for _ in range(random_.choice((1, 1, 3))):
            ids += [row[0] for row in rows(connection, INSERT, (random_.choice((0, self._years_ago)), f"writer {number}", random_.choice((1, 1, 20, 100))))]
        if random_.random() < 0.1:
            connection.rollback()
            return
        self._move(ids, self.undone, self.unknown)
        connection.commit()
        self._move(ids, self.unknown, self.confirmed)

    def _note(self, to, ids):
        with self._changed:
            to.append(ids)

    def _move(self, ids, source, to):
        with self._changed:
            source[:] = [other for other in source if other is not ids]
            to.append(ids)
            self._changed.notify_all()

    def await_confirmed(self, count):
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.confirmed) >= count, DEADLINE_S):
                raise AssertionError(f"no {count} commits within {DEADLINE_S} s")

    def join(self):
        for thread in self._threads:
            thread.join()


def check_ids(connection, expected, writers):
    """What was confirmed is there once, what was rolled back is not, and no transaction is there in part. `expected` gets the ids that stay."""
    found = [row[0] for row in rows(connection, "SELECT id::text FROM audit_events WHERE session_id LIKE 'writer %'")]
    there = set(found)
    assert len(there) == len(found), f"{len(found) - len(there)} events are there twice"
    for ids in writers.confirmed:
        expected.update(ids)
    missing = expected - there
    assert not missing, f"{len(missing)} events are lost, such as {next(iter(missing))}"
    for ids in writers.unknown:
        present = there.intersection(ids)
        assert len(present) in (0, len(ids)), f"{len(present)} of a transaction's {len(ids)} events are there"
        expected |= present
    assert there == expected, f"{len(there - expected)} events are there that were not committed"


def walk(connection, filters, pages_max):
    """Pages of a list, as text, and the ids on them."""
    arguments = "".join(f", {name} => %s" for name in filters)
    pages, ids, position = [], [], None
    while True:
        text, on_page, position = rows(connection, f"""
            SELECT p::text, ARRAY(SELECT e ->> 'id' FROM json_array_elements(p -> 'items') WITH ORDINALITY a(e, n) ORDER BY n), p ->> 'next_cursor'
            FROM audit_list_json(cursor => %s, page_size => 200{arguments}) p""", (position, *filters.values()))[0]
        pages.append(text)
        ids += on_page
        if position is None or len(pages) == pages_max:
            return pages, ids


def check_engines(connection):
    """Pages by posting lists beside what a plain statement finds, and beside pages by the other engine, both without any index."""
    for filters in FILTERS:
        rows(connection, "SET audit_ext.engine = posting")
        pages, ids = walk(connection, filters, 50)
        rows(connection, "SET audit_ext.engine = sql; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off")
        condition = " AND ".join(["true", *(f"{name} = %s" for name in filters)])
        found = rows(connection, f"SELECT id::text FROM audit_events WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT %s", (*filters.values(), len(ids)))
        assert ids == [row[0] for row in found], f"a list is not what a plain statement finds for {filters}"
        assert pages[:5] == walk(connection, filters, 5)[0], f"the engines differ for {filters}"
        rows(connection, "RESET ALL")


def check_indexes(connection):
    for (index,) in rows(connection, """SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree') AND i.indrelid IN (SELECT relid FROM pg_partition_tree('audit_events'))"""):
        rows(connection, "SELECT bt_index_check(%s::regclass, true)", (index,))


def cut_and_check(server, random_, years_ago, expected):
    """One round; returns what it found."""
    writers = Writers(server, random_.randrange(2**32), years_ago)
    try:
        writers.await_confirmed(random_.choice((8, 50, 200, 400)))
    finally:
        cluster("kill")
        writers.join()
    cluster("start")
    with contextlib.closing(connect(server)) as connection:
        check_ids(connection, expected, writers)
        check_engines(connection)
        check_indexes(connection)
        (was_moving,), = rows(connection, "SELECT to_regclass('audit_events_move') IS NOT NULL")
    transactions = f"{len(writers.confirmed)} transactions confirmed, {len(writers.unknown)} unknown, {len(writers.undone)} undone"
    return f"{'in the middle of a move; ' if was_moving else ''}{transactions}, {len(expected)} events in the trail"


def configure(server):
    with contextlib.closing(connect(server, "postgres")) as connection:
        for setting in SETTINGS:
            rows(connection, f"ALTER SYSTEM SET {setting}")
    cluster("restart")
    with contextlib.closing(connect(server, "postgres")) as connection:
        assert rows(connection, "SHOW fsync") == [("on",)] and rows(connection, "SHOW synchronous_commit") == [("on",)]


def make_trail(server):
    with contextlib.closing(connect(server, "postgres")) as connection:
        rows(connection, "DROP DATABASE IF EXISTS trail")
        rows(connection, "CREATE DATABASE trail")
    with contextlib.closing(connect(server)) as connection:
        rows(connection, "CREATE EXTENSION audit_ext CASCADE; CREATE EXTENSION amcheck")
        for month in (1, 2, 3):
            rows(connection, f"SELECT audit_create_partition('2024-0{month}-01', '2024-0{month + 1}-01')")


def main():
    print(f"# POWER_CUT_SEED={SEED} POWER_CUT_ROUNDS={ROUNDS}", flush=True)
    random_ = random.Random(SEED)
    server = cluster("start")
    configure(server)
    trails = []
    for number in range(1, ROUNDS + 1):
        try:
            if number % ROUNDS_A_TRAIL == 1:
                make_trail(server)
                trails.append(set())
            print(f"ok - power cut {number}: {cut_and_check(server, random_, number % ROUNDS_A_TRAIL + 1, trails[-1])}", flush=True)
        except (AssertionError, psycopg2.Error) as failure:
            sys.exit(f"not ok - power cut {number}: {failure}")
    print(f"# {ROUNDS} power cuts, {sum(map(len, trails))} events committed, each of them there once")


if __name__ == "__main__":
    main()
