# Both engines give the same bytes: audit_ext.engine = posting against sql, on random data while it changes.
#   AUDIT_ENGINES_SEED         repeats a run (each run prints its seed)
#   AUDIT_ENGINES_COMPARISONS  how many pages are compared (default: about a minute)
#   AUDIT_ENGINES_SECONDS      how long readers compare while others write (default 8)
#   AUDIT_ENGINES_WRITERS      how many insert meanwhile (default 2); two more delete and VACUUM
import contextlib
import os
import random
import threading
import time

import pytest

from database import temporary_database

SEED = int(os.environ.get("AUDIT_ENGINES_SEED", random.SystemRandom().randrange(2**32)))
COMPARISONS = int(os.environ.get("AUDIT_ENGINES_COMPARISONS", 4000))
SECONDS = float(os.environ.get("AUDIT_ENGINES_SECONDS", 8))
WRITERS = int(os.environ.get("AUDIT_ENGINES_WRITERS", 2))

# Rows of the big partitions: enough for posting trees of several pages for the frequent values.
ROWS = 120000

SETUP = """
CREATE SEQUENCE serial;

-- How often a value comes decides what kind of list it has: most of the rows, a few percent, a few, one.
CREATE FUNCTION make_events(count int, since timestamptz, until timestamptz, in_order boolean, seed float8) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setseed(seed);
  INSERT INTO audit_events (id, created_at, user_id, event_group, event_type, status, vm_id, session_id, error_message)
  SELECT md5(n || 'x' || random())::uuid,
         CASE WHEN random() < 0.02 THEN since + floor(random() * 20) * (until - since) / 20       -- ties
              WHEN random() < 0.02 OR NOT in_order THEN since + random() * (until - since)        -- late, out of order
              ELSE since + n * (until - since) / (count + 1) END,
         CASE WHEN random() < 0.1 THEN NULL ELSE floor(exp(random() * ln(5000))) END,
         (ARRAY['auth', 'vm', 'storage', 'Größe', ''])[1 + floor(power(random(), 3) * 5)],
         (ARRAY['login', 'logout', 'start', 'stop', repeat('long', 512)])[1 + floor(power(random(), 4) * 5)],
         (ARRAY['success', 'failure', 'denied'])[1 + floor(power(random(), 6) * 3)],
         CASE WHEN random() < 0.3 THEN NULL WHEN n % 50 = 7 THEN 'vm-hard' ELSE 'vm-' || floor(power(random(), 2) * 300) END,
         CASE WHEN random() < 0.2 THEN NULL ELSE 'session ' || n / 40 END,
         CASE WHEN random() < 0.01 THEN repeat('x', 3000) END
  FROM generate_series(1, count) n;
END $$;

CREATE FUNCTION compare_engines(event_group text, event_type text, status text, user_id bigint, vm_id text, session_id text,
    cursor text, page_size int, since timestamptz, until timestamptz,
    OUT same boolean, OUT next_cursor text, OUT events int, OUT engine text, OUT fetched int)
LANGUAGE plpgsql AS $$
DECLARE
  a text;
  b text;
BEGIN
  PERFORM set_config('audit_ext.engine', 'posting', false);
  a := audit_list_json($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
  PERFORM set_config('audit_ext.engine', 'sql', false);
  b := audit_list_json($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
  same := a = b;
  next_cursor := a::json ->> 'next_cursor';
  PERFORM set_config('audit_ext.engine', 'posting', false);
  SELECT max(e.value) FILTER (WHERE e.name = 'engine'), max(e.value) FILTER (WHERE e.name = 'events'),
         max(e.value) FILTER (WHERE e.name = 'heap_tuples_fetched') INTO engine, events, fetched
  FROM audit_explain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) e;
END $$;

SELECT audit_create_partition('2024-01-01', '2024-02-01'), audit_create_partition('2024-02-01', '2024-03-01'),
       audit_create_partition('2024-03-01', '2024-03-02');

-- Attached by hand: the columns in another order, and one that was dropped.
DO $$ DECLARE columns text := (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) ||
    CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY attname DESC)
  FROM pg_attribute WHERE attrelid = 'audit_events'::regclass AND attnum > 0 AND NOT attisdropped);
BEGIN
  EXECUTE format('CREATE TABLE by_hand (gone text, %s)', columns);
  ALTER TABLE by_hand DROP COLUMN gone;
  ALTER TABLE by_hand ADD CONSTRAINT audit_events_created_at_range CHECK (
    created_at >= '1970-01-01 00:00:00+00'::timestamptz AND created_at < '10000-01-01 00:00:00+00'::timestamptz);
  PERFORM audit_index_partition('by_hand');
  ALTER TABLE audit_events ATTACH PARTITION by_hand FOR VALUES FROM ('2024-03-05') TO ('2024-03-10');
END $$;
"""
VALUES = {
    "event_group": ("auth", "auth", "vm", "storage", "Größe", "", "none"),
    "event_type": ("login", "login", "logout", "start", "stop", "long" * 512, "none"),
    "status": ("success", "success", "failure", "failure", "denied", "none"),
    "user_id": (1, 2, 3, 10, 77, 2500, 4999, -1),
    "vm_id": ("vm-0", "vm-1", "vm-hard", "vm-hard", "vm-250", "none"),
    "session_id": ("session 1", "session 100", "session 2999", "none"),
}
NAMES = (*VALUES, "cursor", "page_size", "since", "until")
TIMES = ("2023-12-31", "2024-01-01", "2024-01-15 12:00", "2024-01-15 13:00", "2024-01-31 23:59:59.999999", "2024-02-01",
         "2024-02-10", "2024-02-29", "2024-03-01 06:00", "2024-03-04", "2024-03-06", "2024-03-10", "2024-06-01", "2030-01-01")


@pytest.fixture(scope="module", autouse=True)
def seed():
    print(f"\nAUDIT_ENGINES_SEED={SEED} AUDIT_ENGINES_COMPARISONS={COMPARISONS} AUDIT_ENGINES_SECONDS={SECONDS}")


@pytest.fixture(scope="module")
def database():
    random_ = random.Random(SEED)
    with temporary_database() as database:
        database.execute("SET TimeZone = 'UTC'")  # for the bounds of partitions
        database.execute(SETUP)
        database.execute("SET audit_ext.allow_changes = on")
        make_events(database, random_, ROWS, "2024-01-01", "2024-02-01", True)
        make_events(database, random_, ROWS, "2024-02-01", "2024-03-01", False)
        make_events(database, random_, 2000, "2024-03-05", "2024-03-10", True)
        make_events(database, random_, 3000, "2023-12-01", "2024-06-10", False)
        database.execute("ANALYZE audit_events")
        yield database


def make_events(database, random_, count, since, until, in_order):
    database.execute("SELECT make_events(%s, %s, %s, %s, %s)", (count, since, until, in_order, random_.random()))


def random_page(random_):
    """Arguments of a page. Conjunctions, rare and frequent values, ranges that end inside, at and beside partitions."""
    given = dict.fromkeys(NAMES)
    for name in random_.sample(tuple(VALUES), random_.choice((0, 1, 1, 1, 2, 2, 3, 6))):
        given[name] = random_.choice(VALUES[name])
    if random_.random() < 0.35:
        given["since"] = random_.choice(TIMES) + "+00"
    if random_.random() < 0.35:
        given["until"] = random_.choice(TIMES) + "+00"
    given["page_size"] = random_.choice((1, 2, 7, 50, 50, 199, 200))
    return given


class Comparer:
    """Compares pages and counts."""

    def __init__(self):
        self.pages = self.by_posting = self.events = 0

    def compare(self, session, given):
        session.execute(f"SELECT * FROM compare_engines({', '.join(['%s'] * len(NAMES))})", tuple(given.values()))
        same, next_cursor, events, engine, _ = session.fetchone()
        assert same, (SEED, self.pages, given)
        self.pages += 1
        self.by_posting += engine == "posting"
        self.events += events
        return next_cursor

    def walk(self, session, given, pages):
        """Some pages on from a random page, the cursor included."""
        for _ in range(pages):
            given["cursor"] = self.compare(session, given)
            if given["cursor"] is None:
                return


def insert(database, random_):
    since, until = random_.choice((("2023-11-01", "2023-12-01"), ("2024-01-10", "2024-01-11"), ("2024-02-01", "2024-03-10"),
                                   ("2024-03-01", "2024-03-02"), ("2029-12-31", "2030-01-02")))
    make_events(database, random_, random_.choice((10, 300, 3000)), since, until, random_.random() < 0.5)


def delete(database, random_):
    database.execute(random_.choice((
        "DELETE FROM audit_events WHERE user_id % 7 = 3 AND random() < 0.5",
        "DELETE FROM audit_events WHERE created_at BETWEEN '2024-01-14' AND '2024-01-16'",
        "DELETE FROM audit_events WHERE status = 'denied' AND random() < 0.3",
        "DELETE FROM audit_events WHERE ctid < '(300,1)'",
        "DELETE FROM audit_events WHERE vm_id = 'vm-1'")))


def update(database, random_):
    database.execute(random_.choice((
        "UPDATE audit_events SET error_message = 'changed' WHERE user_id = 77",  # within the page, where there is room
        "UPDATE audit_events SET status = 'failure' WHERE user_id % 50 = 11",
        "UPDATE audit_events SET vm_id = NULL WHERE vm_id = 'vm-0' AND random() < 0.2")))


def abort(database, random_):
    with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        connection.autocommit = False
        session.execute("SET audit_ext.allow_changes = on")
        session.execute("SELECT make_events(2000, '2024-01-20', '2024-03-10', false, %s)", (random_.random(),))
        session.execute("DELETE FROM audit_events WHERE user_id = 2")
        connection.rollback()


def replace_partition(database, random_):
    database.execute("DROP TABLE audit_events_20240301")
    make_events(database, random_, 100, "2024-03-01", "2024-03-02", True)  # to the default partition
    database.execute("DELETE FROM audit_events_default WHERE created_at >= '2024-03-01' AND created_at < '2024-03-02'")
    database.execute("SELECT audit_create_partition('2024-03-01', '2024-03-02')")
    make_events(database, random_, 1000, "2024-03-01", "2024-03-02", True)


FILTER_INDEXES = tuple(f"{table}_filters" for table in
                       ("audit_events_20240101", "audit_events_20240201", "audit_events_20240301", "by_hand", "audit_events_default"))


def set_pending_list(database, random_):
    """None, one that is flushed often, and the one that audit_index_partition() sets. Switching it off flushes nothing."""
    options = random_.choice(("fastupdate = off", "fastupdate = on, gin_pending_list_limit = 64", "fastupdate = on, gin_pending_list_limit = 512"))
    database.execute(f"ALTER INDEX {random_.choice(FILTER_INDEXES)} SET ({options})")


def flush_pending_list(database, random_):
    database.execute(f"SELECT gin_clean_pending_list('{random_.choice(FILTER_INDEXES)}')")


CHANGES = (insert, insert, delete, update, abort, replace_partition, set_pending_list, flush_pending_list,
           lambda database, _: database.execute("VACUUM audit_events"),
           lambda database, _: database.execute("VACUUM audit_events"))


def test_same_bytes_while_the_data_change(database):
    random_ = random.Random(SEED + 1)
    comparer = Comparer()
    with database.connection.cursor() as session:
        session.execute("SET audit_ext.allow_changes = on")
        while comparer.pages < COMPARISONS:
            for _ in range(10):
                comparer.walk(session, random_page(random_), random_.choice((1, 1, 3, 20)))
            random_.choice(CHANGES)(database, random_)
    print(f"{comparer.pages} pages compared, {comparer.by_posting} found by the posting engine, {comparer.events} events")
    assert comparer.by_posting > comparer.pages / 2


@contextlib.contextmanager
def writing(database):
    """Others insert, flush pending lists, delete and VACUUM until the end."""
    stop = threading.Event()
    failures = []

    def run(number, work):
        random_ = random.Random(SEED + 100 + number)
        try:
            with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
                session.execute("SET audit_ext.allow_changes = on")
                while not stop.is_set():
                    session.execute(work(random_))
        except Exception as failure:  # reported by the test, which runs in another thread
            failures.append(failure)

    def insert_some(random_):
        since, until = random_.choice((("2024-01-01", "2024-02-01"), ("2024-02-28", "2024-03-10")))
        if random_.random() < 0.1:
            return f"SELECT gin_clean_pending_list('{random_.choice(FILTER_INDEXES)}')"
        return f"SELECT make_events({random_.choice((1, 20, 200))}, '{since}', '{until}', false, {random_.random()})"

    def delete_some(random_):
        return random_.choice((f"DELETE FROM audit_events WHERE user_id = {random_.randrange(500)}",
                               f"DELETE FROM audit_events WHERE created_at >= '2024-01-{random_.randrange(1, 31)}' "
                               f"AND created_at < '2024-01-31' AND random() < 0.02 AND status = 'success'"))

    threads = [threading.Thread(target=run, args=(number, work)) for number, work in enumerate((
        *[insert_some] * WRITERS, delete_some, lambda _: "VACUUM (INDEX_CLEANUP on) audit_events"))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures


def test_same_bytes_while_others_write(database):
    """Each reader compares in one snapshot, while pages split and are emptied under it."""
    random_ = random.Random(SEED + 2)
    comparer = Comparer()
    for index in FILTER_INDEXES:
        database.execute(f"ALTER INDEX {index} SET (fastupdate = on, gin_pending_list_limit = 64)")
    end = time.monotonic() + SECONDS
    with writing(database), contextlib.closing(database.connect()) as connection:
        connection.autocommit = False
        while time.monotonic() < end:
            with connection.cursor() as session:
                session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                for _ in range(20):
                    comparer.walk(session, random_page(random_), random_.choice((1, 3)))
            connection.rollback()
    print(f"{comparer.pages} pages compared, {comparer.by_posting} found by the posting engine, {comparer.events} events")
    assert comparer.by_posting > comparer.pages / 2
