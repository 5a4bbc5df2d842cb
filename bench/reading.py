# Pages: every case beside SQL; by depth, by size, by number of partitions; what a page's time is made of.
import cases
import datasets
from cases import ABSENT, CASES, COMMON, COMMON_10, COMMON_80, DEEP_10, DEEP_80, NEVER, NO_FILTER
from datasets import DAILY, ONE, PLAIN
from report import ms, ratio, table_of
from server import progress

_TITLE = {ONE: "One table", DAILY: f"{datasets.DAYS} daily partitions"}


class Reading:
    def __init__(self, server, events, measures):
        self._server = server
        self._events = events
        self._measures = measures
        self._statements = cases.Statements(server)

    def beside_sql(self, layout, clients):
        nothing_ms = self._server.interleaved_ms({"": (layout, "SELECT 1;")}, clients)[""]
        rows, to_json, to_rows = [], {}, {}
        for case in CASES:
            progress(f"{layout}, {clients} client(s): {case.name}")
            seen = self._server.interleaved_ms({"ours": (layout, self._statements.ours(layout, case)),
                                                "json": (PLAIN, self._statements.json_by_hand(layout, case)),
                                                "rows": (PLAIN, self._statements.rows_by_hand(layout, case))}, clients)
            to_json[case.name], to_rows[case.name] = seen["ours"] / seen["json"], seen["ours"] / seen["rows"]
            rows.append([case.name, ms(seen["ours"]), ms(seen["json"]), ms(seen["rows"]), ratio(to_json[case.name]), ratio(to_rows[case.name])])
        self._judge(layout, clients, to_json, to_rows)
        return table_of(f"{_TITLE[layout]}, {clients} client(s), milliseconds a page of {cases.PAGE_SIZE}",
                        ["case", "audit_list_json", "SQL with json_agg", "SQL, rows only", "ours / json_agg", "ours / rows only"], rows,
                        f"`SELECT 1`: {ms(nothing_ms)} ms.")

    def _judge(self, layout, clients, to_json, to_rows):
        where = f"{clients} client(s)"
        if layout == DAILY:
            self._measures.worst(f"daily partitions, {where}: ours / json_agg", 1 / 3, to_json)
            return
        hard = {case.name: to_json[case.name] for case in CASES if case.is_hard}
        others = {case.name: to_json[case.name] for case in CASES if not case.is_hard}
        self._measures.worst(f"hard conjunctions, {where}: ours / json_agg", 1 / 20, hard)
        self._measures.worst(f"every other case, {where}: ours / json_agg", 1 / 2, others)
        self._measures.at_most(f"page 1 without filter, {where}: ours / rows only", 1, to_rows[NO_FILTER.name])

    def by_depth(self):
        rows = []
        for layout in (ONE, DAILY):
            for pages in ((NO_FILTER, DEEP_10, DEEP_80), (COMMON, COMMON_10, COMMON_80)):
                progress(f"by depth, {layout}: {pages[0].name}")
                seen = self._ours({case.percent: (layout, case) for case in pages})
                rows.append([f"{_TITLE[layout]}, {pages[0].name}", *map(ms, seen.values()), ratio(seen[10] / seen[0]), ratio(seen[80] / seen[0])])
                self._measures.at_most(f"80 % deep / page 1: {_TITLE[layout].lower()}, {pages[0].name}", 1.2, seen[80] / seen[0])
        return table_of("By depth, milliseconds", ["audit_list_json", "page 1", "behind 10 %", "behind 80 %", "10 % / page 1", "80 % / page 1"], rows)

    def by_size(self):
        rows, grown = [], {}
        for case in CASES:
            progress(f"by size: {case.name}")
            seen = self._ours({datasets.SMALL: (datasets.SMALL, case), ONE: (ONE, case)})
            grown[case.name] = seen[ONE] / seen[datasets.SMALL]
            rows.append([case.name, *map(ms, seen.values()), ratio(grown[case.name])])
        few, many = self._events // 10, self._events
        for case in (NO_FILTER, COMMON):
            self._measures.at_most(f"{many} events / {few}: {case.name}", 1.3, grown[case.name])
        self._measures.worst(f"{many} events / {few}: any case", 1.3, grown)
        return table_of("By size of the table, milliseconds", ["audit_list_json, one table", f"{few} events", f"{many} events", "ratio"], rows)

    def by_partitions(self):
        rows = []
        databases = (datasets.SMALL, datasets.SMALL_30, datasets.SMALL_365)
        for case in (NO_FILTER, COMMON, ABSENT, NEVER):
            progress(f"by partitions: {case.name}")
            one, thirty, many = self._ours({database: (database, case) for database in databases}).values()
            rows.append([case.name, ms(one), ms(thirty), ms(many), ratio(thirty / one), ratio(many / one)])
            if case is COMMON:
                self._measures.at_most("365 partitions / 1: event_group, common", 1.3, many / one)
            if case is ABSENT:
                self._measures.at_most("365 partitions, a value that is not there: ms", 5, many)
        return table_of(f"By number of partitions, {self._events // 10} events, milliseconds",
                        ["audit_list_json", "1", "30", "365", "30 / 1", "365 / 1"], rows)

    def after_writes(self):
        """What the writers' leftovers cost: entries not yet merged into the index, pages not yet known to be all-visible."""
        asked = {case.name: (ONE, case) for case in (NO_FILTER, COMMON, ABSENT, NEVER)}
        progress("reads after the inserts")
        before = self._ours(asked)
        self._server.psql(ONE, "VACUUM (ANALYZE) audit_events;")
        after = self._ours(asked)
        return table_of("Reads right after the inserts, and after VACUUM, milliseconds", ["audit_list_json, one table", "before", "after", "before / after"],
                        [[name, ms(before[name]), ms(after[name]), ratio(before[name] / after[name])] for name in asked])

    def _ours(self, asked):
        """Milliseconds of {name: (database, case)}."""
        return self._server.interleaved_ms({name: (database, self._statements.ours(database, case)) for name, (database, case) in asked.items()})
