# The pages that are asked for, and each as statements: by audit_list_json, and by hand.
from dataclasses import dataclass, field

from datasets import COLUMNS, PLAIN, PLAIN_TABLE

PAGE_SIZE = 50


@dataclass(frozen=True)
class Case:
    name: str
    filters: dict = field(default_factory=dict)
    percent: int = 0  # how much of the list lies before the page
    is_hard: bool = False  # a conjunction that no B-tree serves


NO_FILTER = Case("no filter")
COMMON = Case("event_group, common", {"event_group": "vm"})
ABSENT = Case("a value that is not there", {"vm_id": "no such vm"})
NEVER = Case("group and status, both common, never together", {"event_group": "storage", "status": "denied"}, is_hard=True)
HARD_VM = Case("vm with 2 % of the events, status=failure on 5 old ones", {"vm_id": "vm-hard", "status": "failure"}, is_hard=True)
DEEP_10, DEEP_80 = Case("no filter, behind 10 % of the list", {}, 10), Case("no filter, behind 80 % of the list", {}, 80)
COMMON_10 = Case("event_group, behind 10 % of the list", {"event_group": "vm"}, 10)
COMMON_80 = Case("event_group, behind 80 % of the list", {"event_group": "vm"}, 80)
CASES = (
    NO_FILTER,
    COMMON,
    Case("event_type and status=failure", {"event_type": "vm.start", "status": "failure"}),
    Case("user_id, a heavy one", {"user_id": "1"}),
    HARD_VM,
    Case("session_id, about 40 events", {"session_id": None}),
    NEVER,
    Case("vm_id, event_group and status", {"vm_id": "vm-20", "event_group": "billing", "status": "success"}),
    ABSENT, DEEP_10, DEEP_80)


class Statements:
    """Makes them, and remembers what had to be looked up for them."""

    def __init__(self, server):
        self._server = server
        self._cursors = {}
        self._sessions = {}

    def ours(self, database, case):
        arguments = [f"{name} => '{value}'" for name, value in self._filters(database, case).items()]
        if case.percent:
            arguments.append(f"cursor => '{self._cursor(database, case)}'")
        return f"SELECT audit_list_json({', '.join(arguments)});"

    def rows_by_hand(self, layout, case):
        """The best keyset SQL."""
        conditions = [f"{name} = '{value}'" for name, value in self._filters(layout, case).items()]
        if case.percent:
            # The first condition is what lets the planner leave partitions out.
            created_at, event_id = self._position(layout, case)
            conditions += [f"created_at <= '{created_at}'", f"(created_at, id) < ('{created_at}', '{event_id}')"]
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        return f"SELECT {', '.join(COLUMNS)} FROM {PLAIN_TABLE[layout]}{where} ORDER BY created_at DESC, id DESC LIMIT {PAGE_SIZE};"

    def json_by_hand(self, layout, case):
        return f"SELECT coalesce(json_agg(p), '[]') FROM ({self.rows_by_hand(layout, case)[:-1]}) p;"

    def _filters(self, database, case):
        return {name: self._session(database) if value is None else value for name, value in case.filters.items()}

    def _session(self, database):
        if database not in self._sessions:
            self._sessions[database] = self._server.value(database, """SELECT session_id FROM audit_events WHERE session_id IS NOT NULL
              GROUP BY 1 HAVING count(*) BETWEEN 38 AND 42 ORDER BY 1 LIMIT 1;""")
        return self._sessions[database]

    def _before(self, database, case):
        """How many events of the list come before the page: whole pages of 200, for _cursor(). And its condition."""
        where = " AND ".join(f"{name} = '{value}'" for name, value in case.filters.items()) or "true"
        return int(self._server.value(database, f"SELECT count(*) * {case.percent} / 100 / 200 * 200 FROM audit_events WHERE {where};")), where

    def _position(self, layout, case):
        """created_at and id of the event before the page."""
        before, where = self._before(layout, case)
        return self._server.psql(PLAIN, f"""SELECT created_at, id FROM {PLAIN_TABLE[layout]} WHERE {where}
          ORDER BY created_at DESC, id DESC OFFSET {before - 1} LIMIT 1;""")[0]

    def _cursor(self, database, case):
        """Cursors come from pages alone: the list is walked to there."""
        key = (database, case.name)
        if key not in self._cursors:
            before, _ = self._before(database, case)
            filters = "".join(f", {name} => '{value}'" for name, value in case.filters.items())
            self._cursors[key] = self._server.value(database, f"""WITH RECURSIVE page AS (
                SELECT 1 AS n, audit_list_json(page_size => 200{filters}) ->> 'next_cursor' AS position
                UNION ALL SELECT n + 1, audit_list_json(page_size => 200, cursor => position{filters}) ->> 'next_cursor'
                FROM page WHERE n < {before // 200})
              SELECT position FROM page ORDER BY n DESC LIMIT 1;""")
        return self._cursors[key]
