# Bodies that grow when they are unpacked: what they take is bounded, and they keep no other caller waiting.
import concurrent.futures
import gzip
import json
import signal
import struct
import zlib

import pytest
import requests

from http_client import EVENTS, credentials, request_bytes
from support import DEADLINE_S, eventually
from trail import AttackedTrail

HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
EVENT = json.dumps({"event_group": "g", "event_type": "t"}).encode()
LIMIT = 10 * 1024 * 1024


def member(content, fields=b"", flags=0):
    """gzip with fields of its own in the head."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    return (b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff" + fields + packed
            + struct.pack("<II", zlib.crc32(content), len(content) & 0xffffffff))


BLANKS = member(b" " * LIMIT)
NAME = 8
EXTRA = 4

BOMBS = {
    "one member": lambda: member(b" " * (20 * LIMIT)),
    "many members": lambda: BLANKS * 900,
    "an event, then blanks": lambda: member(EVENT) + BLANKS * 10,
    "behind a long name": lambda: member(b" " * (2 * LIMIT), b"n" * 5_000_000 + b"\0", NAME),
}


@pytest.fixture(scope="module")
def trail():
    """One for all of them: nothing here changes what is in it, but for new events."""
    attacked = AttackedTrail()
    attacked.call("audit_grant_writer", attacked.frontend)
    yield attacked
    attacked.drop()


@pytest.fixture
def daemon(trail, start_daemon):
    return start_daemon(trail)


@pytest.fixture(scope="module")
def writer(trail):
    return trail.create_api_key("writer", scopes=["audit:write"])


def post(daemon, key, body):
    return requests.post(daemon.client.url + EVENTS, body, headers={**HEADERS, **credentials(key)}, timeout=DEADLINE_S * 3)


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_at_the_bound(daemon, writer, name, is_chunked):
    """Twelve at once take no memory but their own bytes; those who send no gzip do not wait for them."""
    bomb = BOMBS[name]()
    assert post(daemon, writer, gzip.compress(EVENT)).status_code == 201
    before = daemon.peak_resident_bytes
    with concurrent.futures.ThreadPoolExecutor(12) as executor:
        sent = [executor.submit(post, daemon, writer, iter([bomb]) if is_chunked else bomb) for _ in range(12)]
        plain = [daemon.client.request("POST", EVENTS, writer, data=EVENT, headers={"Content-Type": "application/json"}) for _ in range(20)]
        answers = [future.result() for future in sent]
    assert {answer.status for answer in plain} == {201}
    # Nine megabytes twelve times are more than all bodies together may take.
    assert {answer.status_code for answer in answers} <= {413, 503} and 413 in {answer.status_code for answer in answers}
    grown_mb = (daemon.peak_resident_bytes - before) / 2**20
    assert grown_mb < min(64, 12 * 2 * len(bomb) / 2**20) + 16, f"{grown_mb:.0f} MB"


@pytest.mark.parametrize("kind", ["unknown", "reader", "nobody", "over the limit of requests"])
def test_bombs_of_those_who_may_not_send_are_not_unpacked(trail, start_daemon, writer, kind):
    key = {"unknown": "nonsense-key", "reader": trail.create_api_key(f"reader {kind}"), "nobody": None}.get(kind, writer)
    daemon = start_daemon(trail, principal_requests_per_s=1)
    if kind == "over the limit of requests":
        eventually(lambda: post(daemon, key, EVENT).status_code == 429, "the limit is reached")
    # Unpacked, it would be a 413; and what is no gzip, a 400.
    statuses = {post(daemon, key, body).status_code for body in (BLANKS + member(b" "), b"no gzip") * 10}
    assert statuses <= {"unknown": {401}, "nobody": {401}, "reader": {403, 429}}.get(kind, {429, 413, 400})
    assert kind != "over the limit of requests" or 429 in statuses


def test_unpacked_bodies_count_against_the_memory_of_all(trail, start_daemon, writer):
    """Two of 9 MB find no room where 10 may be taken, however small they come."""
    daemon = start_daemon(trail, body_memory_mb=10, query_timeout_ms=60000, request_timeout_ms=60000)
    packed = gzip.compress(EVENT.ljust(9 * 2**20))
    with trail.session() as lock:
        lock.cursor().execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        with daemon.client.connect() as first:
            first.send(request_bytes(EVENTS, "POST", {**HEADERS, **credentials(writer)}, packed))
            eventually(lambda: trail.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] > 0, "the first one waits for the lock")
            answer = post(daemon, writer, packed)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            lock.rollback()
            assert first.receive().status == 201
    assert post(daemon, writer, packed).status_code == 201


ODD = {
    "a name of nine megabytes": (lambda: member(EVENT, b"n" * 9_000_000 + b"\0", NAME), 201),
    "a name without an end": (lambda: member(b"", b"n" * 9_000_000, NAME)[:9_000_000], 400),
    "an extra field that is longer than the body": (lambda: member(EVENT, b"\xff\xff" + b"x", EXTRA), 400),
    "400,000 members without content": (lambda: member(b"") * 400_000 + member(EVENT), 201),
    "a member for each byte": (lambda: b"".join(member(EVENT[at:at + 1]) for at in range(len(EVENT))), 201),
    "a size that is a lie": (lambda: member(EVENT)[:-4] + b"\xff\xff\xff\x7f", 400),
    "gzip inside of gzip": (lambda: member(gzip.compress(member(b" " * (20 * LIMIT)))), 400),
    "unknown flags": (lambda: member(EVENT, b"", 0x80), 400),
    "zlib": (lambda: zlib.compress(EVENT), 400),
    "deflate alone": (lambda: member(EVENT)[10:-8], 400),
    "a distance beyond the beginning": (lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"\x4b\x04\x42\x00" + b"\0" * 8, 400),
    "nothing": (lambda: b"", 400),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_gzip(daemon, writer, name):
    make, status = ODD[name]
    before = daemon.peak_resident_bytes
    answer = post(daemon, writer, make())
    assert answer.status_code == status, answer.text
    assert daemon.peak_resident_bytes - before < 40 * 2**20
    assert daemon.client.get("/healthz").status == 200


def test_slow_gzip_is_cut_off(trail, start_daemon, writer):
    """Byte by byte, as a body without a coding."""
    daemon = start_daemon(trail, receive_timeout_s=1, idle_timeout_s=2)
    with daemon.client.connect() as connection:
        connection.send(request_bytes(EVENTS, "POST", {**HEADERS, **credentials(writer), "Content-Length": len(BLANKS)}))
        pieces = (BLANKS[at:at + 1] for at in range(len(BLANKS)))
        eventually(lambda: connection.is_closed_after(next(pieces)), "closed")
    assert post(daemon, writer, gzip.compress(EVENT)).status_code == 201


def test_clients_that_go_while_they_are_unpacked(trail, start_daemon, writer):
    """What they sent is bounded, and given back."""
    daemon = start_daemon(trail, pool_size=1)
    before = daemon.resident_bytes
    for _ in range(100):
        with daemon.client.connect() as connection:
            connection.send(request_bytes(EVENTS, "POST", {**HEADERS, **credentials(writer)}, BLANKS))
            connection.abort()
    assert post(daemon, writer, gzip.compress(EVENT)).status_code in (201, 503)
    eventually(lambda: post(daemon, writer, gzip.compress(EVENT)).status_code == 201, "others are served")
    eventually(lambda: daemon.resident_bytes < before + 16 * 2**20, "the daemon gives its memory back")


def test_the_end_of_the_daemon_answers_those_who_wait(daemon, writer):
    large = gzip.compress(EVENT.ljust(LIMIT))
    connections = [daemon.client.connect() for _ in range(20)]
    for connection in connections:
        connection.send(request_bytes(EVENTS, "POST", {**HEADERS, **credentials(writer)}, large))
    daemon.send(signal.SIGTERM)
    for connection in connections:
        answer = connection.receive()
        assert answer is None or answer.status in (201, 503)
        connection.close()
    daemon.stop()
