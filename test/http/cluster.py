# PostgreSQL servers of a test's own, to be stopped and killed: a primary, and standbys that follow it.
import os
import pwd
import subprocess

from support import REPOSITORY


def _run(*command, **more):
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **more)
    assert result.returncode == 0, (command, result.stderr)
    return result.stdout


class Cluster:
    """A private cluster of scripts/cluster in `directory`."""

    def __init__(self, directory):
        self.directory = directory
        self.server = {}

    def _command(self, name, *options):
        return _run(f"{REPOSITORY}/scripts/cluster", name, self.directory, *options)

    def start(self):
        """`server` has the psycopg2.connect() arguments afterwards."""
        lines = self._command("start", "--no-fsync").splitlines()
        settings = dict(line.split("=", 1) for line in lines)
        self.server = {"host": settings["PGHOST"], "port": settings["PGPORT"], "user": settings["PGUSER"]}

    def stop(self):
        self._command("stop")

    def kill(self):
        """SIGKILL to the server and its sessions."""
        self._command("kill")

    def remove(self):
        self._command("remove")

    @property
    def data(self):
        return os.path.join(self.server["host"], "data")

    @property
    def postmaster(self):
        """Its process id."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
            return int(file.readline())


class Standby:
    """A hot standby of `primary` (a Cluster), beside it, on another port."""

    def __init__(self, primary, port=54330):
        self.server = {**primary.server, "port": str(port)}
        self._data = os.path.join(primary.server["host"], f"standby-{port}")
        self._user = pwd.getpwuid(os.stat(primary.data).st_uid).pw_name
        self._bindir = _run(os.environ.get("PG_CONFIG") or "pg_config", "--bindir").strip()
        server = primary.server
        self._run("pg_basebackup", "--pgdata", self._data, "--host", server["host"], "--port", server["port"],
                  "--username", server["user"], "--write-recovery-conf", "--checkpoint", "fast", "--no-sync")
        self.start()

    def _run(self, program, *arguments):
        switch = ["runuser", "-u", self._user, "--"] if os.geteuid() == 0 else []
        return _run(*switch, os.path.join(self._bindir, program), *arguments, cwd="/")

    def _control(self, command, *more):
        self._run("pg_ctl", command, "--pgdata", self._data, "--wait", *more)

    def start(self):
        # A log of its own: pg_ctl would otherwise keep our pipes open.
        self._control("start", "--log", self._data + ".log", "--options",
                      f"-c port={self.server['port']}")

    def stop(self, mode="immediate"):
        self._control("stop", "--mode", mode)

    def promote(self):
        self._control("promote")

    @property
    def running(self):
        return os.path.exists(os.path.join(self._data, "postmaster.pid"))

    def remove(self):
        """Its files go with the primary's."""
        if self.running:
            self.stop()
