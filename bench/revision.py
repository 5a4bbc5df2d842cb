# One side of bench/compare: a revision of the sources, built and installed into a PostgreSQL of its own, with events and a daemon.
import os
import shutil
import subprocess
import tempfile

import psycopg2

from datasets import COLUMNS
from http_load import Httpd
from server import HERE, Server, progress

_REPOSITORY = os.path.realpath(os.path.join(HERE, ".."))
_DATABASE = "trail"
_HOUR_S = 3600


def _run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=_HOUR_S, **more).stdout


class Revision:
    """`commit`: None for the working tree as it is."""

    def __init__(self, directory, commit):
        self._directory = directory
        self._commit = commit
        self._sources = os.path.join(directory, "sources") if commit else _REPOSITORY
        self._log = tempfile.TemporaryFile()
        self.server = None
        self.session = None
        self.httpd = None
        self.api_key = None

    def start(self, events):
        progress(f"building {self._commit or 'the working tree'}")
        os.mkdir(self._directory, 0o711)
        if self._commit:
            os.mkdir(self._sources)
            archive = subprocess.run(["git", "-C", _REPOSITORY, "archive", self._commit], check=True, stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", self._sources], input=archive.stdout, check=True)
        pg_config = self._copy_postgresql()
        build = ["make", "-s", "-C", self._sources, f"PG_CONFIG={pg_config}"]
        _run(*build, f"-j{os.cpu_count()}", "all")
        _run(*build, "WITH_HTTPD=no", "install")
        self.server = Server(os.path.join(self._directory, "cluster"), seconds=0, repeat=0, pg_config=pg_config)
        self.server.start()
        self._load(events)
        environment = self.server.environment
        self.session = psycopg2.connect(host=environment["PGHOST"], port=environment["PGPORT"], user=environment["PGUSER"],
                                        dbname=_DATABASE)
        self.session.autocommit = True
        self._start_httpd()

    # Its programs find their libraries and extensions by where they are themselves, so a copy needs no settings.
    def _copy_postgresql(self):
        pg_config = os.environ.get("PG_CONFIG", "pg_config")
        root = os.path.join(self._directory, "postgresql")
        place = {name: _run(pg_config, f"--{name}").strip() for name in ("bindir", "pkglibdir", "sharedir", "includedir-server")}
        for name in ("bindir", "pkglibdir", "sharedir"):
            shutil.copytree(place[name], root + place[name], symlinks=True)
        os.makedirs(os.path.dirname(root + place["includedir-server"]), exist_ok=True)
        os.symlink(place["includedir-server"], root + place["includedir-server"])
        return os.path.join(root + place["bindir"], "pg_config")

    def _load(self, events):
        progress(f"loading {events} events")
        names = ", ".join(name for name in COLUMNS if name != "id")
        self.server.psql("postgres", f"CREATE DATABASE {_DATABASE}")
        self.server.psql(_DATABASE, file="data.sql")
        self.server.psql(_DATABASE, file="events.sql", rows=events, first=0, last=events - 1, target="plain.audit_events")
        self.server.psql(_DATABASE, f"""SET client_min_messages = warning; CREATE EXTENSION audit_ext CASCADE;
          INSERT INTO audit_events ({names}) SELECT {names} FROM plain.audit_events;
          VACUUM (ANALYZE) audit_events;""")
        self.server.end_loading()

    def _start_httpd(self):
        self.api_key = self.server.psql(_DATABASE, """CREATE ROLE bench_httpd LOGIN;
          SELECT audit_grant_frontend('bench_httpd'), audit_grant_writer('bench_httpd') \\g /dev/null
          SELECT audit_create_api_key('bench', ARRAY['audit:read', 'audit:write']);""")[0][0]
        environment = self.server.environment
        self.httpd = Httpd(f"host={environment['PGHOST']} port={environment['PGPORT']} user=bench_httpd dbname={_DATABASE}",
                           self._log, binary=os.path.join(self._sources, "http_frontend", "build", "audit_httpd"))

    def httpd_processes(self):
        """The daemon, and the server processes of its sessions."""
        with self.session.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'bench_httpd' ORDER BY pid")
            return [self.httpd.pid, *(pid for pid, in cursor.fetchall())]

    def stop(self):
        if self.httpd:
            self.httpd.stop()
        if self.session:
            self.session.close()
        if self.server:
            self.server.remove()
