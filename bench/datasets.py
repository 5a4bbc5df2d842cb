# The same events on both sides: in audit_ext's table, and in plain tables with the B-trees that a good developer would make.
# They stand in one table and in daily partitions, and a tenth of them in 1, 30 and 365 partitions. Indexes are there before
# the rows, which come in the order of time: so they look as they do in life.
import concurrent.futures
import os
import subprocess

from server import LOADING_DEADLINE_S, fail, progress

COLUMNS = """id created_at user_id actor_type actor_id source event_group event_type status resource_type resource_id
session_id vm_id task_id request_id correlation_id http_method path http_status latency_ms ip_address user_agent node_ip
worker_id event_payload error_message""".split()
DAYS = 90
_FIRST_DAY = "2025-01-01"

# audit_ext's databases: which events, in how many partitions (0: the default partition alone).
ONE, DAILY = "one", "daily"
SMALL, SMALL_30, SMALL_365 = "small", "small_30", "small_365"
_AUDIT_EXT = {ONE: ("audit_events", 0), DAILY: ("audit_events", DAYS + 1), SMALL: ("small", 0), SMALL_30: ("small", 30),
              SMALL_365: ("small", 365)}

PLAIN = "plain"  # the database of the plain tables
PLAIN_TABLE = {ONE: "plain.audit_events", DAILY: "plain.audit_events_daily"}


def load(server, events):
    """Makes all of it, on all cores."""
    loader = _Loader(server, events)
    progress(f"making {events} events")
    loader.make_plain()
    loader.run([lambda: loader.make_events("events_0", events, 0, events // 2), lambda: loader.make_events("small", events // 10, 0, events // 10),
                lambda: loader.make_events("events_1", events, events // 2, events)])
    progress(f"{len(PLAIN_TABLE)} plain tables, {len(_AUDIT_EXT)} of audit_ext")
    loader.run([lambda: loader.fill_plain(ONE), lambda: loader.fill_audit_ext(ONE), lambda: loader.fill_plain(DAILY),
                *(lambda name=name: loader.fill_audit_ext(name) for name in _AUDIT_EXT if name != ONE)])
    server.psql(PLAIN, "DROP TABLE plain.events_0, plain.events_1;")
    server.end_loading()


class _Loader:
    def __init__(self, server, events):
        self.server = server
        self.events = events

    def run(self, works):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for done in [pool.submit(work) for work in works]:
                done.result()

    def make_plain(self):
        self.server.psql("postgres", f"CREATE DATABASE {PLAIN};")
        self.server.psql(PLAIN, file="data.sql")
        self.server.psql(PLAIN, f"""SET search_path = plain;
          CREATE TABLE audit_events_daily (LIKE audit_events) PARTITION BY RANGE (created_at);
          {_ranges("format('CREATE TABLE daily_%s PARTITION OF audit_events_daily FOR VALUES FROM (%L) TO (%L)', n, since, until)", DAYS + 1)} \\gexec
          CREATE UNLOGGED TABLE events_0 (LIKE audit_events); CREATE UNLOGGED TABLE events_1 (LIKE audit_events);
          CREATE TABLE small (LIKE audit_events);""")
        self.server.psql(PLAIN, file="plain_indexes.sql", t=PLAIN_TABLE[ONE], more_key="")
        self.server.psql(PLAIN, file="plain_indexes.sql", t=PLAIN_TABLE[DAILY], more_key=", created_at")

    def make_events(self, table, of, first, end):
        self.server.psql(PLAIN, file="events.sql", rows=of, first=first, last=end - 1, target=f"plain.{table}")

    def fill_plain(self, layout):
        table = PLAIN_TABLE[layout]
        self.server.psql(PLAIN, f"""INSERT INTO {table} SELECT * FROM plain.events_0;
          INSERT INTO {table} SELECT * FROM plain.events_1; VACUUM (ANALYZE) {table};""")
        progress(f"  {table} is there")

    def fill_audit_ext(self, database):
        source, partitions = _AUDIT_EXT[database]
        sources = [f"plain.{name}" for name in (["events_0", "events_1"] if source == "audit_events" else [source])]
        self.server.psql("postgres", f"CREATE DATABASE {database};")
        self.server.psql(database, "SET client_min_messages = warning; CREATE EXTENSION audit_ext CASCADE;")
        if partitions:
            self.server.psql(database, _ranges("audit_create_partition(since, until)", partitions) + ";")
        for table in sources:
            self._copy(table, database)
        self.server.psql(database, "VACUUM (ANALYZE) audit_events;")
        progress(f"  audit_ext in database {database} is there")

    def _copy(self, table, database):
        names = ", ".join(name for name in COLUMNS if name != "id")  # its own ids, which need no index
        with subprocess.Popen(["psql", "-Xqd", PLAIN, "-c", f"COPY (SELECT {names} FROM {table}) TO STDOUT (FORMAT binary)"],
                              env=self.server.environment, stdout=subprocess.PIPE) as reading:
            writing = subprocess.run(["psql", "-Xqd", database, "-c", f"COPY audit_events ({names}) FROM STDIN (FORMAT binary)"],
                                     env=self.server.environment, stdin=reading.stdout, check=False, timeout=LOADING_DEADLINE_S)
        if reading.returncode or writing.returncode:
            fail(f"copying the events to {database} failed")


def _ranges(select, count):
    """`select` for each of so many equal parts of the time that the events are from (for more parts than days; else days)."""
    length = f"interval '1 day' * {DAYS} / {count}" if count != DAYS + 1 else "interval '1 day'"
    return f"""SELECT {select} FROM generate_series(0, {count - 1}) n,
      LATERAL (SELECT timestamptz '{_FIRST_DAY}' + n * {length} AS since, timestamptz '{_FIRST_DAY}' + (n + 1) * {length} AS until) x"""
