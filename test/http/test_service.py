# The daemon as systemd runs it: sockets handed over, READY, STOPPING and signs of life, the drain at its end.
import os
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import daemon as daemon_module
from http_client import Client, EVENTS, request_bytes
from support import DEADLINE_S, eventually

PATIENT_MS = 15000


class ServiceManager:
    """The other end of NOTIFY_SOCKET: keeps what the daemon says."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)

    def wait_for(self, variable, timeout_s=DEADLINE_S):
        """The first message not yet looked at that has `variable` (a NAME=value), as a dict; those before it are gone."""
        self._socket.settimeout(timeout_s)
        name, value = variable.split("=")
        while True:
            message = dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())
            if message.get(name) == value:
                return message

    def close(self):
        self._socket.close()


@pytest.fixture
def manager():
    with tempfile.TemporaryDirectory(prefix="audit_test_") as directory:
        manager = ServiceManager(directory)
        yield manager
        manager.close()


@pytest.fixture
def listening():
    """A socket as a .socket unit makes it."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as one:
        yield one


def test_says_when_it_serves_reloads_and_stops(database, manager, start_daemon, key):
    started = start_daemon({"NOTIFY_SOCKET": manager.path}, database=database.conninfo())
    host, port = started.client.address
    assert manager.wait_for("READY=1")["STATUS"] == f"listening on http://{host}:{port}"
    assert started.client.list(key).status == 200
    started.send(signal.SIGHUP)
    manager.wait_for("RELOADING=1")
    assert manager.wait_for("READY=1")["STATUS"] == f"listening on http://{host}:{port}"
    started.send(signal.SIGTERM)
    manager.wait_for("STOPPING=1")
    assert started.wait() == 0


def test_signs_of_life(database, manager, start_daemon):
    """Twice in WatchdogSec=; and none when the loop does not turn, or the watchdog would be of no use."""
    started = start_daemon({"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"}, database=database.conninfo())
    for _ in range(3):
        manager.wait_for("WATCHDOG=1")
    started.send(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        while True:
            manager.wait_for("WATCHDOG=1", 1)  # those that were sent before it stopped
    started.send(signal.SIGCONT)
    manager.wait_for("WATCHDOG=1")


def test_no_signs_of_life_for_another_process(database, manager, start_daemon):
    start_daemon({"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"},
                 database=database.conninfo())
    manager.wait_for("READY=1")
    with pytest.raises(TimeoutError):
        manager.wait_for("WATCHDOG=1", 0.5)


def test_socket_handed_over(database, start_daemon, listening, key):
    """It takes the place of the setting listen, whose port another program may have."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        started = start_daemon(sockets=[("http", listening)], database=database.conninfo(),
                               listen=f"127.0.0.1:{other.getsockname()[1]}")
        assert started.client.address == listening.getsockname()
        assert started.client.list(key).status == 200


def test_restart_refuses_no_connection(database, start_daemon, listening, key):
    """While no daemon runs, connections wait in the socket for the next one."""
    first = start_daemon(sockets=[("http", listening)], database=database.conninfo())
    assert first.client.list(key).status == 200
    first.stop()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(Client(listening.getsockname()).list, key)
        start_daemon(sockets=[("http", listening)], database=database.conninfo())
        assert waiting.result().status == 200


def refused(sockets, **options):
    """Starts the daemon with `sockets`, which it must not like; returns its one line of complaint."""
    with daemon_module.above_passed(sockets) as passed:
        result = subprocess.run(
            daemon_module.with_sockets([daemon_module.BINARY, *daemon_module.as_arguments(options)], passed),
            env=daemon_module.clean_environment(), capture_output=True, text=True, timeout=DEADLINE_S, check=False,
            stdin=subprocess.DEVNULL, pass_fds=[one.fileno() for _name, one in passed])
    complaints = [line for line in result.stderr.splitlines() if line.startswith("audit_httpd: ")]
    assert (result.returncode, len(complaints)) == (2, 1), result.stderr
    assert "listening on" not in result.stderr
    return complaints[0]


def test_sockets_that_are_of_no_use(database, listening):
    options = {"database": database.conninfo(), "admin_listen": "off"}
    assert '"audit_httpd.socket"' in refused([("audit_httpd.socket", listening)], **options)
    assert "more than one" in refused([("http", listening), ("http", listening)], **options)
    with socket.socket() as silent, socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        for wrong in (silent, datagrams, bound):
            assert "no listening TCP socket" in refused([("http", wrong)], **options)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of root's for others")
@pytest.mark.parametrize("mode, is_good", [(0o440, True), (0o640, True), (0o444, False), (0o660, False)])
def test_credential_of_the_service_manager(database, directory, mode, is_good):
    """systemd owns the files in $CREDENTIALS_DIRECTORY as root and lets the service read them, for which the bits of
    the group stand."""
    os.chmod(directory, 0o755)
    path = os.path.join(directory, f"credential_{mode:o}")
    with open(path, "w", encoding="ascii") as file:
        file.write("s" * 32)
    os.chown(path, 0, 65534)
    os.chmod(path, mode)
    assert stat.S_IMODE(os.stat(path).st_mode) == mode
    with tempfile.TemporaryDirectory(prefix="audit_test_") as place:
        os.chmod(place, 0o755)
        binary = os.path.join(place, "audit_httpd")
        subprocess.run(["install", "-m", "755", daemon_module.BINARY, binary], check=True)
        result = subprocess.run(
            [binary, "--check-config", "--token-secret-file", path, "--database", database.conninfo()],
            capture_output=True, text=True, check=False, user=65534, group=65534, extra_groups=[], env={})
    assert (result.returncode == 0) == is_good, result.stderr
    if not is_good:
        assert (result.returncode, path in result.stderr, "640" in result.stderr) == (2, True, True)


# The end

def test_slow_readers_are_cut_at_the_deadline(scratch, start_daemon):
    """A request whose answer is not fetched must not keep the daemon from ending."""
    payload = '{"text": "' + "x" * 20000 + '"}'
    scratch.insert({"event_group": "g", "event_type": "t", "status": "s", "event_payload": payload}
                   for _ in range(200))
    key = scratch.create_api_key("reads slowly")
    started = start_daemon(database=scratch.conninfo(), drain_timeout_ms=500, query_timeout_ms=PATIENT_MS)
    assert started.client.list(key).status == 200
    with started.client.connect() as connection:
        connection.send(request_bytes(f"{EVENTS}?limit=200", headers={"X-API-Key": key}))
        assert connection.socket.recv(1) == b"H"
        began_s = time.monotonic()
        started.stop()
        assert time.monotonic() - began_s < 10


def test_those_who_wait_at_the_deadline_are_answered(scratch, start_daemon):
    key = scratch.create_api_key("waits for a lock")
    started = start_daemon(database=scratch.conninfo(), drain_timeout_ms=300, query_timeout_ms=PATIENT_MS,
                           request_timeout_ms=PATIENT_MS)
    assert started.client.list(key, limit=1).status == 200
    session = scratch.connect()
    session.autocommit = False
    try:
        session.cursor().execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(Client(started.client.address).list, key)
            eventually(lambda: scratch.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'",
                (scratch.name,))[0][0] == 1, "the query waits")
            started.stop()
            answer = slow.result()
        assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1
    finally:
        session.rollback()
        session.close()


def test_nothing_is_lost_when_it_ends_under_load(database, start_daemon, listening, key):
    """Between two daemons on one socket, clients that come on a new connection each see nothing but whole answers."""
    expected = None
    wrong, served, stop = [], [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                answer = Client(listening.getsockname()).list(key, headers={"Connection": "close"})
                (served if answer.status == 200 and answer.ids == expected else wrong).append(answer.status)
            except Exception as error:  # every kind counts
                wrong.append(repr(error))

    first = start_daemon(sockets=[("http", listening)], database=database.conninfo())
    expected = first.client.list(key).ids
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        count = len(served)
        eventually(lambda: len(served) > count + 20 or wrong, "served")
        first.stop()
        first = start_daemon(sockets=[("http", listening)], database=database.conninfo())
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
