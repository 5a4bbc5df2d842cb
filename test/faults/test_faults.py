# Faults while readers are at work: no answer is wrong or another request's, the daemon stays, takes nothing with it, and
# serves again soon.
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

import psycopg2
import pytest

from cluster import Cluster
from database import Database
from load import Load, Trail, nothing_left_behind, warm_up
from support import eventually


@pytest.fixture
def figures(record_property):
    """figures("...") is what the test's line says."""
    return lambda text: record_property("figures", text)


def test_server_killed_and_restarted(own_cluster, start_daemon, figures):
    cluster, trail = own_cluster
    daemon = start_daemon(trail)
    warm_up(daemon, trail)
    with nothing_left_behind(daemon), Load(daemon, trail) as load:
        load.await_served()
        cluster.kill()
        eventually(lambda: load.statuses[503] > 20, "the database is away")
        cluster.start()
        took_s = load.await_recovery(time.monotonic())
    figures(f"served again {took_s:.2f} s after the server's start; {load}")


def test_backends_terminated(trail, start_daemon, figures):
    daemon = start_daemon(trail)
    warm_up(daemon, trail)
    with nothing_left_behind(daemon), Load(daemon, trail) as load:
        took_s = []
        for _ in range(10):
            load.await_served(50)
            at_s = time.monotonic()
            trail.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                                   (trail.database.frontend,))
            took_s.append(load.await_recovery(at_s))
    figures(f"10 times all sessions; served again after {max(took_s):.2f} s at most; {load}")


def test_server_stalled(own_cluster, start_daemon, figures):
    cluster, trail = own_cluster
    daemon = start_daemon(trail, query_timeout_ms=500, request_timeout_ms=1000)
    warm_up(daemon, trail)
    with nothing_left_behind(daemon), Load(daemon, trail) as load:
        load.await_served()
        processes = [cluster.postmaster, *children(cluster.postmaster)]
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            eventually(lambda: load.statuses[504] + load.statuses[503] > 20, "requests run into their deadline")
            assert daemon.client.get("/healthz").status == 200
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)
        took_s = load.await_recovery(time.monotonic())
    figures(f"served again {took_s:.2f} s after the server went on; {load}")


def children(parent):
    result = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                result.append(int(name))
    return result


def test_pool_exhausted_by_slow_pages(trail, start_daemon, figures):
    """All connections wait for a lock, and the queue is full: the others are answered at once."""
    daemon = start_daemon(trail, pool_size=2, queue_limit=4, query_timeout_ms=1000, request_timeout_ms=2000)
    warm_up(daemon, trail)
    with nothing_left_behind(daemon), Load(daemon, trail, threads=16) as load:
        session = trail.database.connect()
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        eventually(lambda: load.statuses[503] > 100 and load.statuses[504] > 4, "refused at once, and cancelled")
        began_s = time.monotonic()
        assert daemon.client.get("/healthz").status == 200
        health_s = time.monotonic() - began_s
        session.rollback()
        session.close()
        began_s = time.monotonic()
        load.await_served(1)
        took_s = time.monotonic() - began_s
        load.await_served()  # with so small a queue some are refused at all times
    figures(f"served again {took_s:.2f} s after the lock; /healthz meanwhile in {1000 * health_s:.0f} ms; {load}")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 200 MB that any user may write to."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    mount = [*as_root, "mount", "-t", "tmpfs", "-o", "size=200m,mode=1777", "tmpfs", str(tmp_path)]
    os.chmod(tmp_path, 0o755)
    for parent in tmp_path.parents[:2]:
        os.chmod(parent, 0o755)
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount a small file system here")
    yield str(tmp_path)
    subprocess.run([*as_root, "umount", "-l", str(tmp_path)], check=True)


def test_disk_full(small_disk, start_daemon, figures):
    """Whatever the server makes of it, up to a crash: pages are right or refused, and with room again all is well."""
    cluster = Cluster(small_disk)
    try:
        cluster.start()
        trail = Trail(Database(cluster.server))
        daemon = start_daemon(trail)
        warm_up(daemon, trail)
        with nothing_left_behind(daemon), Load(daemon, trail) as load:
            load.await_served()
            ballast = os.path.join(small_disk, "ballast")
            with open(ballast, "wb", buffering=0) as file:
                os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(small_disk).free - 65536)
            with pytest.raises(psycopg2.Error) as error:
                while True:
                    trail.database.execute(
                        "INSERT INTO audit_events (event_group, event_type, status, error_message)"
                        " SELECT 'g', 't', 's', repeat(md5(n::text), 60) FROM generate_series(1, 1000) AS n")
            load.await_recovery(time.monotonic()) if running(cluster) else time.sleep(1)
            os.remove(ballast)
            cluster.start()
            took_s = load.await_recovery(time.monotonic())
        figures(f"writing failed with {error.value.pgcode or 'the end of the session'}; served again {took_s:.2f} s"
                f" after there was room; {load}")
        daemon.stop()
    finally:
        cluster.remove()


def running(cluster):
    return os.path.exists(os.path.join(cluster.data, "postmaster.pid"))


def test_2000_idle_connections(trail, start_daemon, figures):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2500:
        pytest.skip(f"this process may have {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2500), hard))
    daemon = start_daemon(trail, connection_limit=2500, connections_per_address=2500)
    warm_up(daemon, trail)
    # What malloc keeps of the memory that so many needed is no leak: so it is the third time that is compared, at its height.
    resident, load = zip(*(idle_connections(daemon, trail) for _ in range(3)))
    assert resident[2] - resident[1] < 4_000_000, resident
    figures(f"{', '.join(f'{bytes_ / 1e6:.1f}' for bytes_ in resident)} MB resident with them, three times; {load[2]}")


def idle_connections(daemon, trail):
    """2,000 of them while others are served; returns the daemon's memory with them."""
    with Load(daemon, trail) as load:
        load.await_served()
        files = daemon.open_files
        idle = [socket.create_connection(daemon.client.address) for _ in range(2000)]
        eventually(lambda: daemon.open_files >= files + 2000, "all are accepted")
        load.await_served(1000)
        resident = daemon.resident_bytes
        for one in idle:
            one.close()
        eventually(lambda: daemon.open_files <= files + 2, "all are closed")
        load.await_served(100)
    assert set(load.statuses) == {200}
    return resident, load


# Several hundred connections of slowhttptest, which send or read a few bytes at a time.
SLOW = {
    "slowloris": ["-H", "-i", "1"],
    "slow body": ["-B", "-i", "1", "-s", "8192", "-x", "10", "-t", "POST"],
    "slow read": ["-X", "-w", "1", "-y", "2", "-n", "1", "-z", "1", "-k", "3"],
}


@pytest.mark.parametrize("how", SLOW)
def test_slow_clients(trail, start_daemon, figures, how):
    """They are held or cut as the limits say, and the others notice nothing."""
    daemon = start_daemon(trail, idle_timeout_s=5, connections_per_address=1024)
    warm_up(daemon, trail)
    target = "/v1/auth/token" if how == "slow body" else "/openapi.json"
    with nothing_left_behind(daemon), Load(daemon, trail) as load:
        files = daemon.open_files
        with subprocess.Popen(["slowhttptest", *SLOW[how], "-c", "300", "-r", "100", "-l", "10", "-p", "3", "-u",
                               daemon.client.url + target], stdout=subprocess.DEVNULL) as slow:
            eventually(lambda: daemon.open_files >= files + 250, "the slow ones are connected")
            load.await_served()
            assert slow.wait(60) == 0
    assert set(load.statuses) == {200}
    figures(str(load))


def test_reloaded_under_load(trail, start_daemon, tmp_path, figures):
    """Settings change all the time, a wrong one among them, and no caller notices."""
    path = tmp_path / "audit_httpd.conf"
    path.write_text("principal-cache-s = 30\n")
    daemon = start_daemon(trail, config=str(path))
    warm_up(daemon, trail)
    with nothing_left_behind(daemon), Load(daemon, trail) as load:
        for number in range(30):
            wrong = number % 3 == 2
            path.write_text(f"principal-cache-s = {'wrong' if wrong else number}\n")
            told = "settings not reloaded" if wrong else "settings reloaded"
            before = daemon.log.count(told)
            daemon.send(signal.SIGHUP)
            eventually(lambda: daemon.log.count(told) > before, told)
        load.await_served()
    assert set(load.statuses) == {200}
    figures(f"30 times; {load}")


def test_ended_under_load(trail, start_daemon, figures):
    """Every request that was taken gets its whole answer; then connections are refused, and it is gone."""
    daemon = start_daemon(trail)
    warm_up(daemon, trail)
    with Load(daemon, trail, may_refuse=(503, "no answer")) as load:
        load.await_served()
        began_s = time.monotonic()
        daemon.send(signal.SIGTERM)
        assert daemon.wait() == 0
        took_s = time.monotonic() - began_s
    load.assert_right()
    figures(f"ended in {took_s:.2f} s; {load}")
