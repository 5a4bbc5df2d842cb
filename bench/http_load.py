# audit_httpd beside its database: requests a second by wrk and transactions a second by pgbench, for the same page at the same
# concurrency. Also events a second by POST, and its memory with many connections open.
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.parse

from cases import COMMON, NO_FILTER, PAGE_SIZE, Statements
from datasets import ONE
from report import ratio, table_of
from server import HERE, fail, progress

_BINARY = os.environ.get("AUDIT_HTTPD", os.path.join(HERE, "..", "http_frontend", "build", "audit_httpd"))
_OPEN_CONNECTIONS = 2000
_LOG_TAIL_BYTES = 4096
_RATE = "requests a second, {} client(s), {}: audit_httpd / pgbench"
_MEMORY = f"audit_httpd's resident MB with {_OPEN_CONNECTIONS} connections"
_DEADLINE_S = 60


class HttpLoad:
    def __init__(self, server, writing, measures):
        self._server = server
        self._writing = writing
        self._measures = measures
        self._statements = Statements(server)

    def report(self):
        missing = [what for what, there in (("wrk (Debian package)", shutil.which("wrk")), ("audit_httpd (make)", os.path.exists(_BINARY))) if not there]
        if missing:
            why = "there is no " + " and no ".join(missing)
            self._measures.not_measured("audit_httpd", why)
            return f"## audit_httpd\n\nNot measured: {why}.\n"
        key = self._server.psql(ONE, """CREATE ROLE bench_httpd LOGIN;
          SELECT audit_grant_frontend('bench_httpd'), audit_grant_writer('bench_httpd') \\g /dev/null
          SELECT audit_create_api_key('bench', ARRAY['audit:read', 'audit:write']);""")[0][0]
        database = "host={PGHOST} port={PGPORT} user=bench_httpd dbname=".format(**self._server.environment) + ONE
        with tempfile.TemporaryFile() as log:
            httpd = Httpd(database, log)
            try:
                return "\n".join(self._unless_refused(part, httpd, key) for part in (self._rates, self._posts, self._memory))
            finally:
                httpd.stop()

    def _unless_refused(self, part, httpd, key):
        try:
            return part(httpd, key)
        except _Refused as refusal:
            return f"## audit_httpd\n\nNot measured: {refusal}\n"

    def _rates(self, httpd, key):
        rows = []
        for clients in (1, 16):
            for case in (NO_FILTER, COMMON):
                progress(f"audit_httpd, {clients} client(s): {case.name}")
                statement = self._statements.ours(ONE, case)
                query = "?" + urllib.parse.urlencode({**case.filters, "limit": PAGE_SIZE})
                self._server.psql(ONE, statement)
                seen = self._server.interleaved({"wrk": lambda q=query, n=clients: self._wrk(httpd, key, q, n),
                                                 "pgbench": lambda s=statement, n=clients: 1000 * n / self._server.pgbench(ONE, s, n)[0]})
                rate = {name: statistics.median(values) for name, values in seen.items()}
                rows.append([f"{case.name}, {clients} client(s)", *(f"{value:.0f}" for value in rate.values()), ratio(rate["wrk"] / rate["pgbench"])])
                self._measures.at_least(_RATE.format(clients, case.name), 0.9, rate["wrk"] / rate["pgbench"])
        return table_of("Requests a second through audit_httpd, beside the database alone", ["page", "wrk", "pgbench -M prepared", "ratio"], rows)

    def _posts(self, httpd, key):
        progress("audit_httpd: POST")
        batch = self._writing.json_batch()
        rows = []
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(f"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = [==[{batch}]==]\n")
            script.flush()
            for clients in (1, 8):
                seen = [self._wrk(httpd, key, "", clients, "-s", script.name) for _ in range(self._server.repeat)]
                rows.append([f"{clients} client(s)", f"{len(json.loads(batch)) * statistics.median(seen):.0f}"])
        return table_of(f"POST /v1/audit/events, {len(json.loads(batch))} events a request", ["", "events a second"], rows)

    def _wrk(self, httpd, key, query, clients, *more):
        done = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{self._server.seconds}s", "-H", f"X-API-Key: {key}", *more,
                               f"http://127.0.0.1:{httpd.port}/v1/audit/events{query}"],
                              capture_output=True, text=True, check=True, timeout=self._server.seconds + _DEADLINE_S)
        if "Non-2xx" in done.stdout:
            raise _Refused(f"audit_httpd refused requests: {done.stdout.split('Non-2xx')[1].splitlines()[0]}. The last line of its log: {httpd.last_line}")
        return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])

    def _memory(self, httpd, key):
        progress(f"audit_httpd: {_OPEN_CONNECTIONS} connections")
        before = httpd.resident_bytes
        connections = [_ask_and_stay(httpd.port, key) for _ in range(_OPEN_CONNECTIONS)]
        seen = httpd.resident_bytes
        for connection in connections:
            connection.close()
        self._measures.at_most(_MEMORY, 40, seen / 1e6)
        return table_of("Memory of audit_httpd", ["", "resident MB"], [["after the requests above", f"{before / 1e6:.1f}"],
                        [f"with {_OPEN_CONNECTIONS} connections open, each after a page of {PAGE_SIZE}", f"{seen / 1e6:.1f}"]])


class _Refused(Exception):
    pass


class Httpd:
    """audit_httpd with its defaults, but for what keeps one address from having all of it. Its log goes to a file, as in life."""

    def __init__(self, database, log, binary=_BINARY):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for this process and the daemon
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._process = subprocess.Popen([binary, "--database", database, "--listen", f"127.0.0.1:{self.port}", "--admin-listen", "127.0.0.1:0",
                                          "--connections-per-address", str(2 * _OPEN_CONNECTIONS),
                                          "--address-requests-per-s", "0", "--principal-requests-per-s", "0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._log = log
        end_s = time.monotonic() + _DEADLINE_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > end_s:
                log.seek(0)
                fail(f"audit_httpd does not listen:\n{log.read().decode(errors='replace')}")
            time.sleep(0.05)

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    @property
    def pid(self):
        return self._process.pid

    @property
    def resident_bytes(self):
        with open(f"/proc/{self._process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    @property
    def last_line(self):
        """Of the log. Read without moving the place in the file, which is the daemon's, too."""
        descriptor = self._log.fileno()
        tail = os.pread(descriptor, _LOG_TAIL_BYTES, max(0, os.fstat(descriptor).st_size - _LOG_TAIL_BYTES))
        return tail.decode(errors="replace").rpartition("\n")[0].rpartition("\n")[2]

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _ask_and_stay(port, key):
    """A connection that has been given a page and stays open."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=_DEADLINE_S)
    connection.sendall(f"GET /v1/audit/events?limit={PAGE_SIZE} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(body)
    while left > 0:
        left -= len(connection.recv(65536))
    return connection
