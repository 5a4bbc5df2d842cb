# What a page's time is made of. From outside: by statements that do ever more of it. From inside, where perf can be used: by
# the functions that the processor is found in.
import re
import shutil
import subprocess
import tempfile

from cases import COMMON, PAGE_SIZE, Statements
from datasets import ONE
from report import ms, table_of
from server import progress

# The part that a function belongs to, by words of its name and of the library it is in; the first that fits. Small functions are
# part of those they were inlined into, and PostgreSQL's internal ones have no names where its debug symbols are missing.
_PARTS = (
    ("the kernel: socket, scheduling, page faults", "[k]"),
    ("finding: posting lists, keys of the primary key", "Posting KeyWalk BlockRanges NewestEvents collect walk seek gin _bt_"),
    ("fetching: rows, their visibility, buffers, locks", """PartitionSearch search_partition heap_fetch heap_hot heap_copy heap_page
      HeapTuple heapam TransactionId index_fetch slot Slot copytup Buffer LWLock hash_search hash_bytes"""),
    ("deforming: columns of a row", """deform detoast getsomeattrs nocache fill_val view_event hand_out text_bytes inet_bytes
      from_text from_uuid from_time from_int from_float from_inet PageLimit DirectFunctionCall inet_net_ntop network_out"""),
    ("writing: JSON", """write_ Json json append members bound numeric_out double_to_shortest memmove memcpy strlen memchr"""),
    ("the rest: protocol, executor, memory, functions without a name", ""),
)


class Anatomy:
    def __init__(self, server):
        self._server = server
        self._page = Statements(server).ours(ONE, COMMON)

    def report(self):
        progress("what a page is made of")
        return self._by_statements() + "\n" + self._by_functions()

    def _by_statements(self):
        arguments = self._page[len("SELECT audit_list_json("):-len(");")]
        statements = {
            "`SELECT 1`: statement and round trip": "SELECT 1;",
            "and the call, rights, opening one partition: a page of nothing": "SELECT audit_list_json(vm_id => 'no such vm');",
            f"and finding and fetching {PAGE_SIZE} events: `audit_explain`": f"SELECT count(*) FROM audit_explain({arguments});",
            "and deforming and writing them: `audit_list_json`, thrown away in the server": f"SELECT audit_list_json({arguments}) IS NOT NULL;",
            "and sending them: `audit_list_json`": self._page,
            f"to compare: `audit_list`, {PAGE_SIZE} rows counted": f"SELECT count(*) FROM audit_list({arguments});"}
        seen = self._server.interleaved_ms({name: (ONE, statement) for name, statement in statements.items()})
        return table_of(f"What a page is made of: {COMMON.name}, milliseconds", ["statement", "time"], [[name, ms(seen[name])] for name in statements])

    def _by_functions(self):
        title = "What a page is made of, by functions"
        with tempfile.NamedTemporaryFile(prefix="audit_ext_perf.") as samples:
            shares = self._sample(samples.name)
        if shares is None:
            return f"## {title}\n\nNot measured: perf cannot be used here.\n"
        rows = [[part, f"{100 * share:.0f} %"] for part, share in shares.items()]
        return table_of(title, ["part", "of the server process's time"], rows,
                        "By perf, from samples of the session's processor time while pgbench runs the page.")

    def _sample(self, file):
        """{part: share of the samples}, or None where there is no perf."""
        if not shutil.which("perf"):
            return None
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(self._page)
            script.flush()
            environment = {**self._server.environment, "PGAPPNAME": "bench_anatomy"}
            with subprocess.Popen(["pgbench", "-n", "-M", "prepared", "-T", str(self._server.seconds + 2), "-f", script.name, ONE],
                                  env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
                done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-p", self._session(), "-o", file,
                                       "--", "sleep", str(self._server.seconds)], capture_output=True, check=False)
        if done.returncode:
            progress(f"perf: {done.stderr.decode(errors='replace').strip()}")
            return None
        done = subprocess.run(["perf", "report", "-i", file, "--stdio", "--no-children", "-s", "dso,symbol"],
                              capture_output=True, text=True, check=False)
        return _shares(done.stdout)

    def _session(self):
        """The process of pgbench's session, once there is one."""
        for _ in range(100):
            found = self._server.psql(ONE, "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench_anatomy' AND xact_start IS NOT NULL;")
            if found:
                break
        return found[0][0] if found else "0"


def _shares(lines):
    shares = dict.fromkeys((part for part, _ in _PARTS), 0.0)
    for line in lines.splitlines():
        found = re.match(r"\s*([\d.]+)%\s+(.*)", line)
        if found:
            part = next(part for part, words in _PARTS if not words or any(word in found[2] for word in words.split()))
            shares[part] += float(found[1]) / 100
    return shares if sum(shares.values()) > 0.5 else None
