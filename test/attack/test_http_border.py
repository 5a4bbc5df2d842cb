# Heads that RFC 9112 forbids: a proxy in front might make another request of them than the daemon. They get 400 and the end
# of the connection, never a second answer. And answers that libmicrohttpd makes itself: one head each.
import re
import resource
import select
import socket

import pytest

from daemon import Daemon
from http_client import EVENTS
from support import eventually
from trail import AttackedTrail

INNER = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = str(len(INNER)).encode()
GET = b"GET /healthz HTTP/1.1\r\n"
POST = b"POST " + EVENTS.encode() + b" HTTP/1.1\r\n"
CHUNK = hex(len(INNER))[2:].encode() + b"\r\n" + INNER + b"\r\n0\r\n\r\n"

# What is refused, whatever comes behind it.
FORBIDDEN = {
    "a line that begins with a colon": GET + b"Host: x\r\n: y\r\n" + INNER,
    "a colon alone": GET + b"Host: x\r\n:\r\n" + INNER,
    "a colon first": GET + b": y\r\nHost: x\r\n\r\n" + INNER,
    "a colon and a name": GET + b"Host: x\r\n:Content-Length: 0\r\n" + INNER,
    "space before the colon of Content-Length": POST + b"Host: x\r\nContent-Length : " + LENGTH + b"\r\n\r\n" + INNER,
    "tab before the colon": POST + b"Host: x\r\nContent-Length\t: " + LENGTH + b"\r\n\r\n" + INNER,
    "space in a name": GET + b"Host: x\r\nX Y: z\r\n\r\n",
    "two lengths": POST + b"Host: x\r\nContent-Length: 0\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + INNER,
    "the same length twice": POST + b"Host: x\r\nContent-Length: 0\r\ncontent-length: 0\r\n\r\n",
    "a list of lengths": POST + b"Host: x\r\nContent-Length: 0, " + LENGTH + b"\r\n\r\n" + INNER,
    "length with a sign": POST + b"Host: x\r\nContent-Length: +" + LENGTH + b"\r\n\r\n" + INNER,
    "negative length": POST + b"Host: x\r\nContent-Length: -1\r\n\r\n" + INNER,
    "length in hexadecimal": POST + b"Host: x\r\nContent-Length: 0x2\r\n\r\n" + INNER,
    "no length": POST + b"Host: x\r\nContent-Length:\r\n\r\n" + INNER,
    "length and chunks": POST + b"Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + CHUNK,
    "chunks and length": POST + b"Host: x\r\nContent-Length: " + LENGTH + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "space before the colon of Transfer-Encoding": POST + b"Host: x\r\nTransfer-Encoding : chunked\r\n\r\n" + CHUNK,
    "chunks twice": POST + b"Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "another coding": POST + b"Host: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + CHUNK,
    "no coding": POST + b"Host: x\r\nTransfer-Encoding: identity\r\n\r\n" + INNER,
    "chunks in HTTP/1.0": b"POST " + EVENTS.encode() + b" HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "two hosts": GET + b"Host: x\r\nHost: y\r\n\r\n" + INNER,
    "a bare LF, and a colon for the end": GET + b"Host: x\n:\r\n" + INNER,
    "a colon and a bare LF for the end": GET + b"Host: x\r\n:\n" + INNER,
    "a NUL and a bare LF for the end": GET + b"Host: x\r\n\0\n" + INNER,
    "a NUL for CR": GET + b"Host: x\0\n\r\n" + INNER,
    "white space for CR": GET + b"Host: x\r\nX: y\t\n:\r\n" + INNER,
    "a line that begins with NUL before it": b"\0x\r\n" + INNER,
    "a bare LF before it": b"\n" + INNER,
    "no host in a later version": b"GET /healthz HTTP/1.2\r\nX: y\r\n\r\n" + INNER,
    "no host": GET + b"X: y\r\n\r\n" + INNER,
    "no field": GET + b"\r\n" + INNER,
    "a NUL in a value": GET + b"Host: x\r\nX-API-Key: a\0b\r\n\r\n" + INNER,
    "a NUL in a name": GET + b"Host: x\r\nX-\0: y\r\n\r\n" + INNER,
    "a bare LF": GET + b"Host: x\nX: y\r\n\r\n" + INNER,
    "a bare LF at the end": GET + b"Host: x\r\n\n" + INNER,
    "a bare CR": GET + b"Host: x\rX: y\r\n\r\n" + INNER,
    "a value on two lines": GET + b"Host: x\r\nX: y\r\n z\r\n\r\n" + INNER,
    "a control character": GET + b"Host: x\r\nX: y\x01\r\n\r\n" + INNER,
    "no colon": GET + b"Host: x\r\nnonsense\r\n\r\n" + INNER,
    "two spaces before the target": b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a NUL in the target": b"GET /healthz\0 HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a NUL in the query": b"GET /healthz?a\0b HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a bare CR in the target": b"GET /healthz?a\rb HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a control character in the target": b"GET /healthz\x7f HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a NUL in the method": b"G\0T /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a method that is no token": b"G(T /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + INNER,
    "a list of hosts": GET + b"Host: x, y\r\n\r\n" + INNER,
    "a host with a user": GET + b"Host: u@x\r\n\r\n" + INNER,
    "a host with a path": GET + b"Host: x/y\r\n\r\n" + INNER,
    "a host with an odd port": GET + b"Host: x:y\r\n\r\n" + INNER,
    "a head that is too large": GET + b"Host: x\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\n" + INNER,
    "a cookie that is too large": GET + b"Host: x\r\nCookie: " + b"y" * 8_000 + b"\r\n\r\n" + INNER,
}
# libmicrohttpd 1.0 ends the connection over these without an answer, as it does not take them for HTTP.
MAY_BE_UNANSWERED = {"a line that begins with NUL before it", "a bare LF before it", "a NUL in the target", "a NUL in the query",
                     "a NUL in the method"}
SOUND = {
    "two requests one behind the other": INNER * 2,
    "white space around values": GET + b"Host:x\r\nX: \t y \t\r\nY:\r\n\r\n" + INNER,
    "a body of that length": POST + b"Host: x\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + INNER + INNER,
    "a cookie": GET + b"Host: x\r\nCookie: a=b; c=d\r\nX: y\r\n\r\n" + INNER,
}


CHUNKS = {
    "sound": (401, CHUNK),
    "a trailer": (401, b"0\r\nX: y\r\n\r\n"),
    "a trailer with a length": (401, b"0\r\nContent-Length: " + LENGTH + b"\r\n\r\n"),
    "lines that end in LF": (400, CHUNK.replace(b"\r\n0\r\n\r\n", b"\n0\n\n")),
    "LF at the end": (400, b"0\r\n\n"),
    "more than the size says": (400, b"1\r\nab\r\n0\r\n\r\n"),
    "a size that is no number": (400, b"x\r\n\r\n"),
    "a trailer that begins with a colon": (400, b"0\r\n: y\r\n\r\n"),
    "a trailer with a space before the colon": (400, b"0\r\nX : y\r\n\r\n"),
    "a trailer with a NUL": (400, b"0\r\nX: a\0b\r\n\r\n"),
}


def answers(daemon, data):
    """All that comes until the daemon closes, or says nothing more to a request that asks for that."""
    with daemon.client.connect(timeout_s=5) as connection:
        connection.send(data)
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        try:
            while piece := connection.socket.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)], received


@pytest.fixture(scope="module")
def daemon():
    trail = AttackedTrail()
    started = Daemon(database=trail.conninfo(), address_requests_per_s=0)
    yield started
    started.stop()
    trail.drop()


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_heads(daemon, name):
    statuses, received = answers(daemon, FORBIDDEN[name])
    if name in MAY_BE_UNANSWERED and received == b"":
        return
    assert len(statuses) == 1 and statuses[0] in (400, 413, 414, 431), received
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"\nconnection: close" in head.lower() and b"\nContent-Length: %d" % len(body) in head and body.startswith(b'{"detail"')


@pytest.mark.parametrize("name", SOUND)
def test_sound_heads(daemon, name):
    statuses, received = answers(daemon, SOUND[name])
    assert len(statuses) in (2, 3) and 400 not in statuses, received


@pytest.mark.parametrize("name", CHUNKS)
def test_a_request_in_chunks_is_the_last(daemon, name):
    status, chunks = CHUNKS[name]
    statuses, received = answers(daemon, POST + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + INNER)
    assert statuses == [status] and b"\nConnection: close" in received, received


def test_a_chunk_with_an_extension_is_the_last(daemon):
    statuses, received = answers(daemon, POST + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0;a=b\r\n\r\n" + INNER)
    # libmicrohttpd 1.0.1, of Debian 13, rejects it.
    assert statuses in ([401], [400]) and b"\nConnection: close" in received, received


BODY_BYTES = 10_000_000


def hold(daemon, key, head=b"Content-Length: 10400000"):
    """A connection that has sent ten million bytes of a body, and goes on to send nothing."""
    connection = daemon.client.connect()
    connection.socket.setblocking(False)
    data = (POST + b"Host: x\r\nX-API-Key: " + key.encode() + b"\r\nContent-Type: application/json\r\n" + head + b"\r\n\r\n"
            + (b"%x\r\n" % BODY_BYTES if b"chunked" in head else b"") + b"x" * BODY_BYTES)
    sent = 0
    try:
        # As much as the daemon and the kernel take.
        while sent < len(data) and select.select([], [connection.socket], [], 0.5)[1]:
            sent += connection.socket.send(data[sent:sent + 1_000_000])
    except (BrokenPipeError, ConnectionResetError):
        pass
    return connection


@pytest.mark.parametrize("head", [b"Content-Length: 10400000", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("kind", ["unknown", "reader"])
def test_bodies_of_those_who_may_not_write_take_nobodys_memory(kind, head):
    """Finding 11: seven such connections refused all callers' events for half a minute."""
    trail = AttackedTrail()
    trail.call("audit_grant_writer", trail.frontend)
    good = trail.create_api_key("writer", scopes=["audit:write"])
    bad = trail.create_api_key("reader", scopes=["audit:read"]) if kind == "reader" else "nonsense-key"
    daemon = Daemon(database=trail.conninfo(), address_requests_per_s=0)
    try:
        held = [hold(daemon, bad, head) for _ in range(8)]
        event = {"event_group": "g", "event_type": "t", "error_message": "x" * 100_000}
        for _ in range(3):
            answer = daemon.client.request("POST", EVENTS, key=good, json=[event] * 9)
            assert answer.status == 201, answer.text
        for connection in held:
            connection.close()
    finally:
        daemon.stop()
        trail.drop()


@pytest.mark.parametrize("key, status", [("nonsense-key", 401), ("reader", 403), ("writer", 201)])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_body_is_answered_as_its_sender_deserves(daemon_with_keys, key, status, is_chunked):
    daemon, keys = daemon_with_keys
    body = b'[{"event_group":"g","event_type":"t","error_message":"' + b"x" * 200_000 + b'"}]'
    more = iter([body[:100_000], body[100_000:]]) if is_chunked else body
    answer = daemon.client.request("POST", EVENTS, key=keys.get(key, key), data=more, headers={"Content-Type": "application/json"})
    assert answer.status == status, answer.text


@pytest.fixture(scope="module")
def daemon_with_keys():
    trail = AttackedTrail()
    trail.call("audit_grant_writer", trail.frontend)
    keys = {name: trail.create_api_key(name, scopes=[scope]) for name, scope in (("reader", "audit:read"), ("writer", "audit:write"))}
    # No caller is remembered: each request asks the database, so the connection waits for that.
    started = Daemon(database=trail.conninfo(), address_requests_per_s=0, principal_cache_s=0)
    yield started, keys
    started.stop()
    trail.drop()


def resident_mb(daemon):
    with open(f"/proc/{daemon.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def test_answers_that_are_not_read_are_bounded():
    """Finding 12: six clients that did not read held 750 MB, and 400 MB stayed when they had gone."""
    trail = AttackedTrail()
    trail.execute("SELECT audit_log('large', 't', error_message => repeat('x', 900000)) FROM generate_series(1, 12)")
    key = trail.create_api_key("reader")
    daemon = Daemon(database=trail.conninfo(), address_requests_per_s=0, answer_memory_mb=32, pool_size=2)
    request = b"GET " + EVENTS.encode() + b"?event_group=large HTTP/1.1\r\nHost: x\r\nX-API-Key: " + key.encode() + b"\r\n\r\n"
    try:
        assert daemon.client.list(key, limit=1).status == 200
        before = resident_mb(daemon)
        held = []
        for _ in range(8):
            held.append(daemon.client.connect())
            held[-1].socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            held[-1].send(request)
            select.select([held[-1].socket], [], [], 20)
        statuses = sorted(connection.socket.recv(12)[9:12] for connection in held)
        # A page of 10.8 MB: one address may hold half of the 32, or one.
        assert statuses == [b"200"] + [b"503"] * 7
        small = daemon.client.list(key, limit=1, event_group="g")
        assert small.status == 200
        for connection in held:
            connection.close()
        assert daemon.client.list(key, event_group="large").status == 200
        eventually(lambda: resident_mb(daemon) < before + 8, "the daemon gives its memory back")
    finally:
        daemon.stop()
        trail.drop()
