# A trail that changes: two big partitions (one in the order of time, one not), small ones, and one that was attached by hand. Every
# kind of change is made to them. For test_engines.py and test_concurrency.py.
import contextlib
import random
import threading

import psycopg2

# For values of make_events() alone and together: frequent, rare, never met; ranges that end inside, at and beside partitions.
VALUES = {
    "event_group": ("auth", "auth", "vm", "storage", "Größe", "", "none"),
    "event_type": ("login", "login", "logout", "start", "stop", "long" * 512, "none"),
    "status": ("success", "success", "failure", "failure", "denied", "none"),
    "user_id": (1, 2, 3, 10, 77, 2500, 4999, -1),
    "vm_id": ("vm-0", "vm-1", "vm-hard", "vm-hard", "vm-250", "none"),
    "session_id": ("session 1", "session 100", "session 999", "none"),
    "actor_type": ("user", "user", "service", "none"),
    "actor_id": ("usr_1", "usr_77", "Ä" * 1500, "none"),
    "source": ("api", "ui", "worker", "none"),
    "resource_type": ("vm", "", "none"),
    "ip_address": ("10.0.0.1", "10.0.7.7", "10.0.0.0/8", "10.0.0.0/22", "10.0.0.0/30", "2001:db8::/32", "2001:db8::1", "::ffff:10.0.0.1", "0.0.0.0/0", "192.0.2.0/24"),
    "resource_id": ("vm-1", "vm-hard", "none"),
    "request_id": ("req 1", "req 99", "r" * 5000, "none"),
    "correlation_id": ("1", "2", "none"),
    "task_id": (0, 1, -1, 9223372036854775807),
}
TIMES = ("2023-12-31", "2024-01-01", "2024-01-15 12:00", "2024-01-15 13:00", "2024-01-31 23:59:59.999999", "2024-02-01",
         "2024-02-10", "2024-02-29", "2024-03-01 06:00", "2024-03-04", "2024-03-06", "2024-03-10", "2024-06-01", "2030-01-01")

_SETUP = """
-- How often a value comes decides what kind of list it has: most of the rows, a few percent, a few, one.
CREATE FUNCTION make_events(count int, since timestamptz, until timestamptz, in_order boolean, seed float8) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setseed(seed);
  INSERT INTO audit_events (id, created_at, user_id, event_group, event_type, status, vm_id, session_id, error_message, actor_type, actor_id, source,
    resource_type, ip_address, resource_id, request_id, correlation_id, task_id)
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
         CASE WHEN random() < 0.01 THEN repeat('x', 3000) END,
         CASE WHEN random() < 0.9 THEN 'user' ELSE 'service' END,
         CASE WHEN random() < 0.01 THEN repeat('Ä', 1500) WHEN random() < 0.8 THEN 'usr_' || floor(exp(random() * ln(5000))) END,
         (ARRAY['api', 'ui', 'worker'])[1 + floor(power(random(), 3) * 3)],
         (ARRAY['vm', '', NULL])[1 + floor(random() * 3)],
         CASE WHEN random() < 0.1 THEN NULL WHEN random() < 0.1 THEN '2001:db8::'::inet + floor(random() * 10)::int
              WHEN random() < 0.01 THEN '10.0.0.0/8' WHEN random() < 0.01 THEN '::ffff:10.0.0.1' ELSE '10.0.0.0'::inet + floor(exp(random() * ln(5000)))::int END,
         CASE WHEN random() < 0.5 THEN 'vm-' || floor(random() * 2000) WHEN random() < 0.1 THEN 'vm-hard' END,
         CASE WHEN random() < 0.001 THEN repeat('r', 5000) WHEN random() < 0.5 THEN 'req ' || n / 3 END,
         CASE WHEN random() < 0.5 THEN (n % 500)::text END,
         CASE WHEN random() < 0.01 THEN 9223372036854775807 WHEN random() < 0.3 THEN floor(random() * 100 - 1)::bigint END
  FROM generate_series(1, count) n;
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


def set_up(database, random_, rows):
    """Fills an empty trail; `rows` is the size of each of the big partitions."""
    database.execute("SET TimeZone = 'UTC'")  # for the bounds of partitions
    database.execute("SET audit_ext.allow_changes = on")
    database.execute("INSERT INTO audit_configuration (partition_every, premake, max_ahead) VALUES ('month', 3, '100 years')")
    database.execute(_SETUP)
    make_events(database, random_, rows, "2024-01-01", "2024-02-01", True)
    make_events(database, random_, rows, "2024-02-01", "2024-03-01", False)
    make_events(database, random_, 2000, "2024-03-05", "2024-03-10", True)
    make_events(database, random_, 3000, "2023-12-01", "2024-06-10", False)
    database.execute("ANALYZE audit_events")


def make_events(database, random_, count, since, until, in_order):
    database.execute("SELECT make_events(%s, %s, %s, %s, %s)", (count, since, until, in_order, random_.random()))


def random_filters(random_):
    """Equality filters and a range of time; None: not given."""
    given = dict.fromkeys((*VALUES, "since", "until"))
    for name in random_.sample(tuple(VALUES), random_.choice((0, 1, 1, 1, 2, 2, 3, 6, 15))):
        given[name] = random_.choice(VALUES[name])
    for name in ("since", "until"):
        if random_.random() < 0.35:
            given[name] = random_.choice(TIMES) + "+00"
    return given


_TABLES = ("audit_events_20240101", "audit_events_20240201", "audit_events_20240301", "by_hand", "audit_events_default")
FILTER_INDEXES = tuple(f"{table}_filters" for table in _TABLES)
RANGE_INDEXES = tuple(f"{table}_ranges" for table in _TABLES)

# ---- Changes, one after another

def _insert(database, random_):
    since, until = random_.choice((("2023-11-01", "2023-12-01"), ("2024-01-10", "2024-01-11"), ("2024-02-01", "2024-03-10"),
                                   ("2024-03-01", "2024-03-02"), ("2029-12-31", "2030-01-02")))
    make_events(database, random_, random_.choice((10, 300, 3000)), since, until, random_.random() < 0.5)


def _insert_by_several(database, random_):
    """Rows of several writers lie side by side, each writer's in order."""
    seeds = [random_.random() for _ in range(3)]

    def write(seed):
        with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
            session.execute("SET audit_ext.allow_changes = on")
            for part in range(5):
                session.execute("SELECT make_events(40, '2024-02-28', '2024-03-02', true, %s)", (seed * (part + 1) / 5,))

    threads = [threading.Thread(target=write, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _insert_too_long(database, random_):
    """What an index entry may not hold is refused, whatever else is in the statement."""
    with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        try:
            session.execute("""INSERT INTO audit_events (created_at, event_group, event_type, vm_id)
              SELECT '2024-01-12', 'auth', 'login', repeat('x', n) FROM unnest(%s) n""", ([1, 2048, 2049],))
        except psycopg2.errors.StringDataRightTruncation:
            return
    raise AssertionError("2,049 bytes were taken")


def _delete(database, random_):
    database.execute(random_.choice((
        "DELETE FROM audit_events WHERE user_id % 7 = 3 AND random() < 0.5",
        "DELETE FROM audit_events WHERE created_at BETWEEN '2024-01-14' AND '2024-01-16'",
        "DELETE FROM audit_events WHERE status = 'denied' AND random() < 0.3",
        "DELETE FROM audit_events WHERE ctid < '(300,1)'",
        "DELETE FROM audit_events WHERE vm_id = 'vm-1'")))


def _update(database, random_):
    database.execute(random_.choice((
        "UPDATE audit_events SET error_message = 'changed' WHERE user_id = 77",  # within the page, where there is room
        "UPDATE audit_events SET status = 'failure' WHERE user_id % 50 = 11",
        "UPDATE audit_events SET vm_id = NULL WHERE vm_id = 'vm-0' AND random() < 0.2")))


def _abort(database, random_):
    with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        connection.autocommit = False
        session.execute("SET audit_ext.allow_changes = on")
        session.execute("SELECT make_events(1000, '2024-01-20', '2024-03-10', false, %s)", (random_.random(),))
        session.execute("DELETE FROM audit_events WHERE user_id = 2")
        connection.rollback()


def _replace_partition(database, random_):
    database.execute("DROP TABLE audit_events_20240301")
    make_events(database, random_, 100, "2024-03-01", "2024-03-02", True)  # to the default partition
    database.execute("DELETE FROM audit_events_default WHERE created_at >= '2024-03-01' AND created_at < '2024-03-02'")
    database.execute("SELECT audit_create_partition('2024-03-01', '2024-03-02')")
    make_events(database, random_, 1000, "2024-03-01", "2024-03-02", True)


def _detach_or_attach(database, _random):
    is_attached = database.execute("SELECT relispartition FROM pg_class WHERE oid = 'by_hand'::regclass")[0][0]
    if is_attached:
        database.execute("ALTER TABLE audit_events DETACH PARTITION by_hand")
    else:
        database.execute("DELETE FROM audit_events_default WHERE created_at >= '2024-03-05' AND created_at < '2024-03-10'")
        database.execute("ALTER TABLE audit_events ATTACH PARTITION by_hand FOR VALUES FROM ('2024-03-05') TO ('2024-03-10')")


def _set_pending_list(database, random_):
    """None, one that is flushed often, and the one that audit_index_partition() sets. Switching it off flushes nothing."""
    options = random_.choice(("fastupdate = off", "fastupdate = on, gin_pending_list_limit = 64", "fastupdate = on, gin_pending_list_limit = 512"))
    database.execute(f"ALTER INDEX {random_.choice(FILTER_INDEXES)} SET ({options})")


def _flush_pending_list(database, random_):
    database.execute(f"SELECT gin_clean_pending_list('{random_.choice(FILTER_INDEXES)}')")


def _sum_up_ranges(database, random_):
    database.execute(random_.choice(("SELECT brin_summarize_new_values('{0}')", "SELECT brin_desummarize_range('{0}', {1})",
                                     "ALTER INDEX {0} SET (pages_per_range = {2}); REINDEX INDEX {0}")).format(
                                         random_.choice(RANGE_INDEXES), random_.randrange(300), random_.choice((1, 2, 16, 128))))


def _vacuum(database, _random):
    database.execute("VACUUM audit_events")


CHANGES = (_insert, _insert, _insert_by_several, _insert_too_long, _delete, _update, _abort, _replace_partition, _detach_or_attach,
           _set_pending_list, _flush_pending_list, _sum_up_ranges, _sum_up_ranges, _vacuum, _vacuum)


# ---- Changes by others, all at once

@contextlib.contextmanager
def writing(database, seed, writers=2):
    """Others insert, flush pending lists, delete and VACUUM, and partitions come and go, until the end."""
    stop = threading.Event()
    failures = []

    def run(number, work):
        random_ = random.Random(seed + number)
        try:
            with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
                session.execute("SET TimeZone = 'UTC'; SET audit_ext.allow_changes = on")
                while not stop.is_set():
                    session.execute(work(random_))
        except Exception as failure:  # reported below, in the test's thread
            failures.append(failure)
            stop.set()

    threads = [threading.Thread(target=run, args=(number, work)) for number, work in enumerate(
        (*[_some_inserts] * writers, _some_deletes, lambda _: "VACUUM (INDEX_CLEANUP on) audit_events", _another_partition))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures


def _some_inserts(random_):
    if random_.random() < 0.1:
        return f"SELECT gin_clean_pending_list('{random_.choice(FILTER_INDEXES[:2])}')"
    if random_.random() < 0.2:
        index = random_.choice(RANGE_INDEXES[:2])
        return random_.choice((f"SELECT brin_desummarize_range('{index}', {random_.randrange(300)})", f"SELECT brin_summarize_new_values('{index}')"))
    since, until = random_.choice((("2024-01-01", "2024-02-01"), ("2024-02-28", "2024-03-10"), ("2024-07-01", "2024-07-03")))
    return f"SELECT make_events({random_.choice((1, 20, 200))}, '{since}', '{until}', false, {random_.random()})"


def _some_deletes(random_):
    return random_.choice((f"DELETE FROM audit_events WHERE user_id = {random_.randrange(500)}",
                           f"DELETE FROM audit_events WHERE created_at >= '2024-01-{random_.randrange(1, 31)}' "
                           f"AND created_at < '2024-01-31' AND random() < 0.02 AND status = 'success'"))


def _another_partition(random_):
    """Now and then, since that locks out all others: a day of July becomes a partition, or is gone."""
    if random_.random() < 0.9:
        return f"SELECT make_events(20, '2024-07-01', '2024-07-02', true, {random_.random()})"
    return """DO $$ BEGIN
      IF to_regclass('audit_events_20240701') IS NOT NULL THEN
        DROP TABLE audit_events_20240701;
      ELSE
        LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE;
        DELETE FROM audit_events_default WHERE created_at >= '2024-07-01' AND created_at < '2024-07-02';
        PERFORM audit_create_partition('2024-07-01', '2024-07-02');
      END IF;
    END $$"""
