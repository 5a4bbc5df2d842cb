# What bench/compare measures: pages, inserts, and requests, each by the processor time of the processes that do it.
import glob
import http.client
import json

from datasets import COLUMNS

_PAGES = 300
_LOOK_UPS = 3_000
_INSERTS = 5_000
_REQUESTS = 300
_BATCH = 50


def _on_processor_us(pid):
    """Of all threads of a process, in kernel and user mode; the kernel counts nanoseconds."""
    total_ns = 0
    for name in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(name, encoding="ascii") as file:
            total_ns += int(file.read().split()[0])
    return total_ns / 1000


class _Work:
    def __init__(self, name, count):
        self.name = name
        self._count = count

    def prepare(self, revision):
        """Once, before the first run."""

    def processor_us(self, revision):
        """Of one page or event."""
        processes = self._processes(revision)
        before = sum(map(_on_processor_us, processes))
        self.run(revision)
        return (sum(map(_on_processor_us, processes)) - before) / self._count


class _Statement(_Work):
    """In one session of the server."""

    def __init__(self, name, count, statement, set_up=None):
        super().__init__(name, count)
        self._statement = statement
        self._set_up = set_up

    def _processes(self, revision):
        return [revision.session.info.backend_pid]

    def prepare(self, revision):
        if self._set_up:
            with revision.session.cursor() as cursor:
                cursor.execute(self._set_up)

    def run(self, revision):
        with revision.session.cursor() as cursor:
            cursor.execute(self._statement)


# page_size depends on the row: else the function would be called once.
def _json_pages(name, arguments, count=_PAGES):
    call = f"audit_list_json({arguments}page_size => 50 + 0 * n)"
    return _Statement(name, count, f"SELECT sum(length({call}::text)) FROM generate_series(1, {count}) n")


def _row_pages(name, arguments, count=_PAGES):
    call = f"audit_list({arguments}page_size => 50 + 0 * n)"
    return _Statement(name, count, f"SELECT count(*) FROM generate_series(1, {count}) n, {call}")


_NAMES = ", ".join(name for name in COLUMNS if name not in ("id", "created_at"))
_FEW = ("event_group", "event_type", "status", "user_id", "vm_id", "session_id", "ip_address", "user_agent", "event_payload")
_INCOMING = f"""CREATE TABLE IF NOT EXISTS plain.incoming AS
  SELECT row_number() OVER () AS n, {_NAMES} FROM plain.audit_events LIMIT {_INSERTS};
  CREATE TABLE IF NOT EXISTS plain.batches AS
  SELECT n / {_BATCH} AS n, jsonb_agg(jsonb_strip_nulls(to_jsonb(i) - 'n')) AS events FROM plain.incoming i GROUP BY 1"""
_CURSOR = """(SELECT (audit_list_json(page_size => 200) ->> 'next_cursor'))"""


class _Requests(_Work):
    """Over one connection, one after the other."""

    def __init__(self, name, count, method, target, body=None):
        super().__init__(name, count * (_BATCH if body else 1))
        self._requests = count
        self._request = method, target
        self._body_sql = body
        self._body = None

    def prepare(self, revision):
        if self._body_sql:
            with revision.session.cursor() as cursor:
                cursor.execute(self._body_sql)
                self._body = json.dumps(cursor.fetchone()[0])

    def _processes(self, revision):
        return revision.httpd_processes()

    def run(self, revision):
        connection = http.client.HTTPConnection("127.0.0.1", revision.httpd.port, timeout=60)
        headers = {"X-API-Key": revision.api_key, **({"Content-Type": "application/json"} if self._body else {})}
        for _ in range(self._requests):
            connection.request(*self._request, body=self._body, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (200, 201), answer.status
        connection.close()


WORKS = (
    _json_pages("page, no filter", ""),
    _json_pages("page, a common event_group", "event_group => 'vm', "),
    _json_pages("page, event_type and status", "event_type => 'vm.start', status => 'failure', "),
    _json_pages("page, a heavy user", "user_id => 1, "),
    _json_pages("page, group and status never together", "event_group => 'storage', status => 'denied', ", count=1000),
    _json_pages("page, a value that is not there", "vm_id => 'no such vm', ", count=10_000),
    _json_pages("page behind a cursor", f"cursor => {_CURSOR}, "),
    _row_pages("audit_list(), no filter", ""),
    _Statement("one event by its id", _LOOK_UPS, f"""SELECT count(audit_get_json(id)) FROM
      (SELECT id FROM audit_events WHERE created_at < '2025-02-01Z' ORDER BY created_at, id LIMIT {_LOOK_UPS}) e"""),
    _Statement("INSERT", _INSERTS, f"INSERT INTO audit_events ({_NAMES}) SELECT {_NAMES} FROM plain.incoming", _INCOMING),
    _Statement("audit_log()", _INSERTS, f"""SELECT count(audit_log({', '.join(f'{name} => {name}' for name in _FEW)}))
      FROM plain.incoming"""),
    _Statement("audit_log_batch(), 50 events", _INSERTS, "SELECT count(*) FROM plain.batches, audit_log_batch(events)"),
    _Requests("GET, no filter", _REQUESTS, "GET", "/v1/audit/events?limit=50"),
    _Requests("GET, one event_group", _REQUESTS, "GET", "/v1/audit/events?limit=50&event_group=vm"),
    _Requests("POST, 50 events", _REQUESTS // 3, "POST", "/v1/audit/events", "SELECT events FROM plain.batches WHERE n = 1"),
)
