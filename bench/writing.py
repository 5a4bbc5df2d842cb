# Inserts in batches of 50, and what the indexes take.
import statistics

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

    def _make_incoming(self):
        names = ", ".join(name for name in COLUMNS if name not in ("id", "created_at"))
        for database, table in _SIDES.values():
            self._server.psql(database, f"""CREATE TABLE incoming AS SELECT row_number() OVER () AS n, {names} FROM {table} LIMIT {_INCOMING};
              ALTER TABLE incoming ADD PRIMARY KEY (n); VACUUM (ANALYZE) incoming;""")
        batch = f"""\\set first random(1, {_INCOMING - _BATCH})
          INSERT INTO %s (%s) SELECT %s FROM incoming WHERE n >= :first AND n < :first + {_BATCH};"""
        # Both ids are made by the server: audit_ext's by its trigger.
        return {"audit_ext": batch % ("audit_events", f"created_at, {names}", f"clock_timestamp(), {names}"),
                "B-trees": batch % (PLAIN_TABLE[ONE], f"id, created_at, {names}", f"gen_random_uuid(), clock_timestamp(), {names}")}

    def inserts(self):
        scripts = self._make_incoming()
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
