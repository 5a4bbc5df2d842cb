# Starts and stops the daemon under test, and looks after what it wrote to its log.
import contextlib
import fcntl
import os
import re
import resource
import signal
import socket
import subprocess
import threading

from http_client import Client
from support import DEADLINE_S, REPOSITORY, SECRETS

BINARY = os.environ.get("AUDIT_HTTPD", os.path.join(REPOSITORY, "http_frontend", "build", "audit_httpd"))
_LISTENING = re.compile(r"listening on https?://(?P<host>\[[^\]]+\]|[^:\s]+):(?P<port>\d+)")
_ADMINISTRATION = re.compile(r"administration on http://127\.0\.0\.1:(?P<port>\d+)")
# What sets the lines of two equal requests apart.
_OF_ONE_REQUEST = re.compile(r'^\S+ |request_id="[0-9a-f]{16}0000[0-9a-f]{12}"|[a-z]+_ms=[0-9.]+', re.MULTILINE)
_LEAK_REPORT = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:)")


def clean_environment(environment=None):
    """Nothing of the caller's PG* or AUDIT_HTTPD_* variables: a test says all that counts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "AUDIT_HTTPD"))}
    return {**kept, **(environment or {})}


def as_arguments(options):
    """{"pool_size": 1} becomes ["--pool-size", "1"]; True stands for a flag without a value."""
    arguments = []
    for name, value in options.items():
        arguments.append("--" + name.replace("_", "-"))
        if value is not True:
            arguments.append(str(value))
    return arguments


def run(*arguments, environment=None, timeout_s=DEADLINE_S / 2):
    """The binary for those uses in which it ends by itself; returns a CompletedProcess with text."""
    return subprocess.run([BINARY, *map(str, arguments)], env=clean_environment(environment), capture_output=True,
                          text=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL)


def with_sockets(command, sockets):
    """`command` as systemd would start it: the sockets from descriptor 3 on, and variables that say so."""
    move = "".join(f"exec {3 + index}<&{one.fileno()}-; " for index, (_name, one) in enumerate(sockets))
    names = ":".join(name for name, _one in sockets)
    return ["bash", "-c", f'{move} LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={names} exec "$@"', "bash",
            *command]


@contextlib.contextmanager
def above_passed(sockets):
    """Copies of them with numbers that are not in the way of those from 3 on."""
    with contextlib.ExitStack() as stack:
        yield [(name, stack.enter_context(socket.socket(fileno=fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 100))))
               for name, one in sockets]


class Daemon:
    """A running daemon on a free port of 127.0.0.1. `options` are its command line's, see as_arguments(); `sockets` are
    (name, listening socket) pairs that it is handed as systemd does."""

    def __init__(self, environment=None, sockets=(), **options):
        options = {"listen": "127.0.0.1:0", "admin_listen": "off", **options}
        command = [BINARY, *as_arguments(options)]
        with above_passed(sockets) as passed:
            self._process = subprocess.Popen(
                with_sockets(command, passed) if passed else command, env=clean_environment(environment),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                pass_fds=[one.fileno() for _name, one in passed])
        self._lines = []
        self._address = None
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self.client = Client(self._wait_for_address())

    def _read_log(self):
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            match = _LISTENING.search(line)
            with self._changed:
                self._lines.append(line)
                if match and self._address is None:
                    self._address = (match["host"].strip("[]"), int(match["port"]))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _wait_for_address(self):
        with self._changed:
            self._changed.wait_for(lambda: self._address or not self._reader.is_alive() or self._ended(), DEADLINE_S)
        if self._address is None:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            raise AssertionError("the daemon did not listen:\n" + self.log)
        return self._address

    def _ended(self):
        return self._process.poll() is not None

    @property
    def pid(self):
        return self._process.pid

    @property
    def log(self):
        with self._changed:
            return "\n".join(self._lines)

    @property
    def admin(self):
        """A client of the admin listener, which must have been given as 127.0.0.1:0."""
        return Client(("127.0.0.1", int(_ADMINISTRATION.search(self.log)["port"])))

    @property
    def running(self):
        return self._process.poll() is None

    @property
    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    @property
    def peak_resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) * 1024

    @property
    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def send(self, number):
        self._process.send_signal(number)

    def wait(self):
        """The exit code; the log is complete afterwards."""
        try:
            code = self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError("the daemon did not end:\n" + self.log) from None
        finally:
            self._reader.join(DEADLINE_S)
            self.client.close()
        return code

    def stop(self, number=signal.SIGTERM):
        if self.running:
            self.send(number)
        code = self.wait()
        assert code == 0, f"exit code {code}; the log:\n{self.log}"
        self.check_log()

    def shown_secrets(self):
        """Those in the log. After a long run many secrets are looked for in a long log: each different line counts once."""
        lines = "\n".join(set(_OF_ONE_REQUEST.sub("", self.log).split("\n")))
        return [text for text in SECRETS if text in lines]

    def check_log(self):
        shown = self.shown_secrets()
        assert not shown, f"the log shows {len(shown)} secret(s), such as {shown[0]!r}:\n{self.log}"
        assert not _LEAK_REPORT.search(self.log), self.log
