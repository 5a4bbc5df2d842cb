# A pgbouncer between the daemon and the server.
import os
import pwd
import re
import signal
import socket
import subprocess
import tempfile

from support import DEADLINE_S, eventually

PROGRAM = "/usr/sbin/pgbouncer"


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def follows_prepared_statements():
    """Since 1.21 it can prepare a client's statements in whatever session they are to run."""
    version = subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [int(number) for number in re.search(r"(\d+)\.(\d+)", version).groups()] >= [1, 21]


class Pooler:
    """For the front end's role of `database`, with two sessions of the server in `mode`. It refuses to run as root. `more` is for
    its configuration."""

    def __init__(self, database, mode, size=2, **more):
        self._database = database
        self._directory = tempfile.TemporaryDirectory(prefix="audit_pooler_")
        self.port = _free_port()
        self._file = os.path.join(self._directory.name, "pgbouncer.ini")
        self._as_user = {}
        if os.geteuid() == 0:
            # The server's user can enter the directory with its socket.
            user = pwd.getpwuid(os.stat(os.path.join(database.connection.info.host, "data")).st_uid)
            self._as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        os.chmod(self._directory.name, 0o755)
        self._write("users", f'"{database.frontend}" "{database.frontend_password}"\n')
        self.write_settings(mode, size, **more)
        self._process = None
        self.start()

    def _write(self, name, text):
        path = os.path.join(self._directory.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)

    def write_settings(self, mode, size=2, **more):
        server = self._database.connection.info
        self._write("pgbouncer.ini", f"""[databases]
* = host={server.host} port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {self._directory.name}/users
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
server_round_robin = 1
""" + "".join(f"{name} = {value}\n" for name, value in more.items()))

    def start(self):
        self._process = subprocess.Popen([PROGRAM, "-q", self._file], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         **self._as_user)
        eventually(self._answers, "pgbouncer listens")

    def _answers(self):
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def reload(self):
        self._process.send_signal(signal.SIGHUP)

    def stop(self):
        """At once: on SIGTERM, later versions wait for their clients to go."""
        self._process.kill()
        self._process.wait(DEADLINE_S)

    def conninfo(self, **changes):
        """The daemon's way through it."""
        return self._database.conninfo(**{"host": "127.0.0.1", "port": self.port, **changes})

    def remove(self):
        self.stop()
        self._directory.cleanup()
