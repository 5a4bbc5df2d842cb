# The cluster under measurement: its settings, psql, and pgbench's times as medians of interleaved runs.
import glob
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
_CLUSTER = os.path.join(HERE, "..", "scripts", "cluster")
LOADING_DEADLINE_S = 3600
_RUN_DEADLINE_S = 300  # what a run may take beyond its length: one statement on cold caches

# As on a server that is for this: everything that is read often fits into memory, and no checkpoint comes in between.
# Durability is off (the cluster is thrown away), so that no figure is the disk's; WAL is written as in life, once all is loaded.
_SETTINGS = {"max_wal_size": "4GB", "checkpoint_timeout": "1h", "maintenance_work_mem": "512MB", "jit": "off", "synchronize_seqscans": "off",
             "autovacuum": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_locks_per_transaction": "1024"}


def progress(text):
    print(f"{text} ...", file=sys.stderr, flush=True)


def fail(text):
    raise SystemExit(f"bench/run: {text}")


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class Server:
    """A cluster of its own in `directory`, from start() to remove()."""

    def __init__(self, directory, seconds, repeat, pg_config=None):
        self._directory = directory
        self._pg_config = {"PG_CONFIG": pg_config} if pg_config else {}
        self.seconds = seconds
        self.repeat = repeat
        self.environment = None

    def start(self):
        done = subprocess.run([_CLUSTER, "start", self._directory, "--no-fsync"], stdout=subprocess.PIPE, text=True, check=True, env=self._cluster_environment)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG") or name == "PG_CONFIG"}
        self.environment = {**kept, **dict(line.split("=", 1) for line in done.stdout.splitlines())}
        buffers_mb = min(4096, memory_bytes() // 4 // 2**20)
        for name, value in {**_SETTINGS, "shared_buffers": f"{buffers_mb}MB"}.items():
            self.psql("postgres", f"ALTER SYSTEM SET {name} = '{value}'")
        subprocess.run([_CLUSTER, "restart", self._directory], stdout=subprocess.DEVNULL, check=True, env=self._cluster_environment)

    @property
    def _cluster_environment(self):
        return {**os.environ, **self._pg_config}

    def end_loading(self):
        self.psql("postgres", "ALTER SYSTEM SET full_page_writes = on")
        self.psql("postgres", "SELECT pg_reload_conf(); CHECKPOINT;")

    def remove(self):
        subprocess.run([_CLUSTER, "remove", self._directory], check=False, env=self._cluster_environment)

    def psql(self, database, sql=None, file=None, **variables):
        """What the statement, or the file with its psql variables, prints, as rows of text."""
        command = ["psql", "-AtXqd", database, "-v", "ON_ERROR_STOP=1"]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        command += ["-f", os.path.join(HERE, file)] if file else ["-f", "-"]
        done = subprocess.run(command, env=self.environment, input=sql, capture_output=True, text=True, check=False,
                              timeout=LOADING_DEADLINE_S)
        if done.returncode:
            fail(f"psql, {database}: {done.stderr}")
        # Not splitlines(): values have U+2028 and the like, which it takes for ends of lines.
        return [line.split("|") for line in done.stdout.split("\n")[:-1]]

    def value(self, database, sql):
        """The one value that the statement returns, which may have a "|" of its own."""
        return "|".join(self.psql(database, sql)[0])

    def pgbench(self, database, script, clients=1):
        """The mean latency in milliseconds, and how many transactions there were."""
        with tempfile.TemporaryDirectory(prefix="audit_ext_pgbench.") as directory:
            with open(os.path.join(directory, "script.sql"), "w", encoding="utf-8") as file:
                file.write(script)
            command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(self.seconds), "-f", file.name,
                       "-l", "--log-prefix", os.path.join(directory, "log"), database]
            done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False,
                                  timeout=self.seconds + _RUN_DEADLINE_S)
            if done.returncode or "number of failed transactions: 0 " not in done.stdout:
                fail(f"pgbench: {done.stdout}{done.stderr}")
            return _settled_mean_ms(directory), int(re.search(r"actually processed: (\d+)", done.stdout)[1])

    def interleaved(self, measurements):
        """What {name: function} returned, as lists: they are called in turn, so that a busy moment hits all alike."""
        seen = {name: [] for name in measurements}
        for _ in range(self.repeat):
            for name, measure in measurements.items():
                seen[name].append(measure())
        return seen

    def interleaved_ms(self, statements, clients=1):
        """Median milliseconds of {name: (database, statement)}, once everything has been read before."""
        for database, statement in statements.values():
            self.psql(database, statement)
        seen = self.interleaved({name: lambda d=database, s=statement: self.pgbench(d, s, clients)[0]
                                 for name, (database, statement) in statements.items()})
        return {name: statistics.median(values) for name, values in seen.items()}


def _settled_mean_ms(directory):
    """From pgbench's log. What ran while some session was still at its first statement is left out. That statement makes the
    session's plans and caches, which on many partitions takes as long as hundreds of pages."""
    transactions = []  # client, its number, end, latency
    for name in glob.glob(os.path.join(directory, "log*")):
        with open(name, encoding="ascii") as file:
            for line in file:
                client, number, latency_us, _, end_s, end_us, *_ = line.split()
                transactions.append((client, int(number), int(end_s) * 1_000_000 + int(end_us), int(latency_us)))
    settled_us = max(end for _, number, end, _ in transactions if number == 1)
    settled = [latency for *_, end, latency in transactions if end > settled_us] or [latency for *_, latency in transactions]
    return statistics.mean(settled) / 1000
