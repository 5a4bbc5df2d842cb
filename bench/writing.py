# Inserts in batches of 50, the other ways to record events, what the guards cost, and what the indexes take.
import statistics
import tempfile
import time

from datasets import COLUMNS, ONE, PLAIN, PLAIN_TABLE
from report import ratio, table_of
from server import progress

_BATCH = 50
_INCOMING = 50000  # events that are inserted again and again, as new ones
_SIDES = {"audit_ext": (ONE, "audit_events"), "B-trees": (PLAIN, PLAIN_TABLE[ONE])}
_PARTITION = {"audit_ext": "audit_events_default", "B-trees": PLAIN_TABLE[ONE]}


class Writing:
    """At the end of a run, since it adds to the tables."""

    def __init__(self, server, measures):
        self._server = server
        self._measures = measures

    def index_bytes(self):
        """As inserts have left them, and as they are when made anew."""
        progress("sizes of the indexes")
        grown = {side: self._index_bytes(side) for side in _SIDES}
        for side, (database, _) in _SIDES.items():
            self._server.psql(database, f"REINDEX TABLE {_PARTITION[side]};")
        anew = {side: self._index_bytes(side) for side in _SIDES}
        self._measures.at_most("index bytes: ours / B-trees, as inserts left them", 1 / 5, grown["audit_ext"] / grown["B-trees"])
        self._measures.at_most("index bytes: ours / B-trees, made anew", 1 / 5, anew["audit_ext"] / anew["B-trees"])
        return table_of("Index bytes an event", ["", *_SIDES, "ours / theirs"], [_compared("as inserts left them", grown), _compared("made anew", anew)])

    def _index_bytes(self, side):
        database, table = _SIDES[side]
        return float(self._server.value(database, f"""SELECT sum(pg_relation_size(indexrelid)) / (SELECT count(*) FROM {table})
          FROM pg_index WHERE indrelid = '{_PARTITION[side]}'::regclass;"""))

    def make_incoming(self):
        """What is inserted: events of the table, as rows and as JSON of a batch, on both sides."""
        names = ", ".join(name for name in COLUMNS if name not in ("id", "created_at"))
        for database, table in _SIDES.values():
            self._server.psql(database, f"""CREATE TABLE incoming AS SELECT row_number() OVER () AS n, {names} FROM {table} LIMIT {_INCOMING};
              ALTER TABLE incoming ADD PRIMARY KEY (n); VACUUM (ANALYZE) incoming;
              CREATE TABLE incoming_json AS SELECT n / {_BATCH} AS n, jsonb_agg(jsonb_strip_nulls(to_jsonb(i) - 'n')) AS events FROM incoming i GROUP BY 1;
              ALTER TABLE incoming_json ADD PRIMARY KEY (n); VACUUM (ANALYZE) incoming_json;""")
        # As audit_events has them.
        self._server.psql(PLAIN, f"""ALTER TABLE {PLAIN_TABLE[ONE]} ALTER id SET DEFAULT gen_random_uuid(),
          ALTER created_at SET DEFAULT clock_timestamp();""")
        batch = f"""\\set first random(1, {_INCOMING - _BATCH})
          INSERT INTO %s ({names}) SELECT {names} FROM incoming WHERE n >= :first AND n < :first + {_BATCH};"""
        self._scripts = {side: batch % table for side, (_, table) in _SIDES.items()}
        self._names = names

    def json_batch(self):
        """A batch as JSON text."""
        return self._server.value(ONE, "SELECT events FROM incoming_json WHERE n = 1;")

    def inserts(self):
        scripts = self._scripts
        rates, wal = [], []
        for clients in (1, 8):
            progress(f"writing, {clients} client(s)")
            images = {side: self._insert(side, scripts[side], clients, after_checkpoint=True)[1] for side in _SIDES}
            runs = self._server.interleaved({side: lambda s=side: self._insert(s, scripts[s], clients) for side in _SIDES})
            rate = {side: statistics.median(seen[0] for seen in runs[side]) for side in _SIDES}
            rates.append(_compared(f"events a second, {clients} client(s)", rate))
            wal.append(_compared(f"WAL bytes an event, {clients} client(s)", {side: statistics.median(seen[1] for seen in runs[side]) for side in _SIDES}))
            wal.append(_compared(f"the same, just after a checkpoint, {clients} client(s)", images))
            self._measures.at_least(f"inserted events a second, {clients} client(s): ours / B-trees", 1, rate["audit_ext"] / rate["B-trees"],
                                    "1.5 is tried for")
        return table_of(f"Inserts in batches of {_BATCH}", ["", *_SIDES, "ours / theirs"], [*rates, *wal])

    def ways(self):
        """Every way to record events, each beside what one would write for the plain table."""
        rows = []
        few = ("event_group, event_type, status, user_id, vm_id, session_id, request_id, http_method, path, http_status, latency_ms, ip_address, user_agent, "
               "event_payload")
        given = ", ".join(f"{name} => i.{name}" for name in few.split(", "))
        one = f"\\set n random(1, {_INCOMING})\n"
        some = f"\\set n random(1, {_INCOMING // _BATCH - 1})\n"
        table = PLAIN_TABLE[ONE]
        scripts = {
            "one event a transaction: audit_log(), INSERT": (1, {
                "audit_ext": f"{one} SELECT audit_log({given}) FROM incoming i WHERE n = :n;",
                "B-trees": f"{one} INSERT INTO {table} (actor_type, source, {few}) SELECT 'user', 'sql', {few} FROM incoming WHERE n = :n;"}),
            f"{_BATCH} events as JSON: audit_log_batch(), INSERT from jsonb_populate_recordset()": (_BATCH, {
                "audit_ext": f"{some} SELECT count(*) FROM incoming_json j, audit_log_batch(j.events) WHERE n = :n;",
                "B-trees": f"{some} INSERT INTO {table} ({self._names}) SELECT {self._qualified('r')} FROM incoming_json j, "
                           f"jsonb_populate_recordset(NULL::incoming, j.events) r WHERE j.n = :n;"})}
        for what, (count, by_side) in scripts.items():
            for clients in (1, 8):
                progress(f"{what}, {clients} client(s)")
                seen = self._server.interleaved({side: lambda s=side, n=clients: 1000 * count * n / self._server.pgbench(_SIDES[s][0], by_side[s], n)[0]
                                                 for side in _SIDES})
                rows.append(_compared(f"{what}, {clients} client(s)", {side: statistics.median(seen[side]) for side in _SIDES}))
        rows.append(_compared(f"COPY of {_INCOMING}, 1 client", self._copies()))
        return table_of("Ways to record events, events a second", ["", *_SIDES, "ours / theirs"], rows)

    def _qualified(self, alias):
        return ", ".join(f"{alias}.{name}" for name in self._names.split(", "))

    def _copies(self):
        progress("COPY")
        with tempfile.NamedTemporaryFile(prefix="audit_ext_copy.") as file:
            self._server.psql(ONE, f"\\copy (SELECT {self._names} FROM incoming) TO '{file.name}' (FORMAT binary)\n")
            seen = self._server.interleaved({side: lambda s=side: self._copy(s, file.name) for side in _SIDES})
        return {side: statistics.median(seen[side]) for side in _SIDES}

    def _copy(self, side, file):
        database, table = _SIDES[side]
        began_s = time.monotonic()
        self._server.psql(database, f"\\copy {table} ({self._names}) FROM '{file}' (FORMAT binary)\n")
        return _INCOMING / (time.monotonic() - began_s)

    def guards(self):
        """Inserts with the triggers that keep UPDATE, DELETE and TRUNCATE away, and without them."""
        progress("what the guards cost")
        seen = self._server.interleaved({state: lambda s=state: self._insert_guarded(s) for state in ("ENABLE ALWAYS", "DISABLE")})
        self._guard("ENABLE ALWAYS")
        on, off = (statistics.median(values) for values in seen.values())
        return table_of(f"What the append-only guards cost: inserts in batches of {_BATCH}, 1 client", ["", "with guards", "without", "with / without"],
                        [["events a second", f"{on:.0f}", f"{off:.0f}", ratio(on / off)]])

    def _insert_guarded(self, state):
        self._guard(state)
        return self._insert("audit_ext", self._scripts["audit_ext"], 1)[0]

    def _guard(self, state):
        self._server.psql(ONE, f"""SET audit_ext.allow_changes = on; ALTER TABLE audit_events {state} TRIGGER audit_guard_rows;
          ALTER TABLE audit_events {state} TRIGGER audit_guard_truncate;""")

    def _insert(self, side, script, clients, after_checkpoint=False):
        """Events a second, and WAL bytes an event."""
        database = _SIDES[side][0]
        if after_checkpoint:
            self._server.psql(database, "CHECKPOINT;")
        before = self._wal_bytes()
        batch_ms, batches = self._server.pgbench(database, script, clients)
        return _BATCH * clients * 1000 / batch_ms, (self._wal_bytes() - before) / (_BATCH * batches)

    def _wal_bytes(self):
        return int(self._server.value("postgres", "SELECT pg_current_wal_insert_lsn() - '0/0';"))


def _compared(what, seen):
    return [what, *(f"{value:.0f}" for value in seen.values()), ratio(seen["audit_ext"] / seen["B-trees"])]
