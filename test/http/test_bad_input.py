# Input that no client should send: an error or a closed connection, no crash, no leak, the next request served.
import contextlib
import os
import random
import socket
import ssl
import time
from urllib.parse import quote_from_bytes

import pytest

from contract import check_invalid
from events import select_ids
from http_client import EVENTS, TOKEN, request_bytes
from support import eventually

TOO_LARGE = (413, 414, 422, 431)


@pytest.fixture(autouse=True)
def next_request_is_served(daemon, client, auth):
    yield
    assert daemon.running, daemon.log
    answer = client.send(EVENTS + "?limit=3", headers=auth)
    assert len(answer.ids) == 3


def assert_error(answer, statuses):
    assert answer.status in statuses, (answer.status, answer.text[:200])
    assert "detail" in answer.json()
    assert answer.headers["Content-Type"] == "application/json"


def assert_error_or_closed(answer, statuses):
    if answer is not None:
        assert_error(answer, statuses)


def exchange(client, data, is_whole=True):
    """Sends `data`; the answer or None where the connection was closed instead. Where a request may be incomplete, the
    sending side is closed: nothing more will come. The daemon may take that for a caller who gave up."""
    with client.connect() as connection:
        connection.send(data)
        if not is_whole:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_WR)
        return connection.receive()


KB = 1000
TOO_MUCH = {
    "a query string of 100 kB": (EVENTS + "?vm_id=" + "x" * 100 * KB, {}),
    "a query string of 10 MB": (EVENTS + "?vm_id=" + "x" * 10_000 * KB, {}),
    "a percent-encoded query string of 100 kB": (EVENTS + "?vm_id=" + "%41" * 33 * KB, {}),
    "a path of 100 kB": ("/" + "x" * 100 * KB, {}),
    "an event id of 100 kB": (EVENTS + "/" + "x" * 100 * KB, {}),
    "a cursor of 1 MB": (EVENTS + "?cursor=" + "A" * 1000 * KB, {}),
    "ten thousand parameters": (EVENTS + "?" + "&".join(f"p{i}=1" for i in range(10_000)), {}),
    "ten thousand times limit": (EVENTS + "?" + "limit=1&" * 10_000, {}),
    "ten thousand ampersands": (EVENTS + "?" + "&" * 100_000, {}),
    "a header of 100 kB": (EVENTS, {"X-Padding": "x" * 100 * KB}),
    "a key of 100 kB": (EVENTS, {"X-API-Key": "x" * 100 * KB}),
    "a token of 100 kB": (EVENTS, {"Authorization": "Bearer " + "x" * 100 * KB}),
    "a request id of 100 kB": (EVENTS, {"X-Request-ID": "x" * 100 * KB}),
    "ten thousand headers": (EVENTS, {f"X-{i}": "y" for i in range(10_000)}),
    "a header name of 100 kB": (EVENTS, {"X" * 100 * KB: "y"}),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much(client, auth, what):
    target, headers = TOO_MUCH[what]
    answer = exchange(client, request_bytes(target, headers={**auth, **headers}))
    # Where it closed before everything was sent, the kernel may have thrown the answer away.
    if answer is None:
        assert len(target) > 500 * KB, "closed without an answer"
    elif len(target) > 500 * KB:
        assert answer.status in TOO_LARGE
    elif what == "an event id of 100 kB":
        assert_error(answer, (*TOO_LARGE, 404))
    elif what in ("a key of 100 kB", "a token of 100 kB"):
        assert_error(answer, (*TOO_LARGE, 401))
    else:
        assert_error(answer, TOO_LARGE)


def test_the_largest_that_is_taken_is_useful(client, auth):
    """Limits must leave room for real requests: a token of 4 kB, a filter of 2 kB, twenty headers."""
    headers = {**auth, "X-Token": "t" * 4000, **{f"X-{i}": "y" * 20 for i in range(20)}}
    assert client.send(EVENTS + "?vm_id=" + "v" * 2000, headers=headers).ids == []


def test_cookies_of_7_kb(client):
    """The library copies them; it must not answer twice where that does not fit."""
    with client.connect() as connection:
        connection.send(request_bytes("/healthz", headers={"Cookie": "c" * 7000}))
        assert_error_or_closed(connection.receive(), (431,))
        assert connection.receive() is None


def test_method_of_100_kb(client):
    answer = exchange(client, request_bytes("/healthz", "G" * 100 * KB))
    if answer is not None:
        assert 400 <= answer.status < 600


NOT_HTTP = {
    "nothing": b"",
    "empty lines": b"\r\n" * 50,
    "garbage": b"GARBAGE\r\n\r\n",
    "a line without an end": b"GET /healthz",
    "no version": b"GET /healthz\r\n\r\n",
    "a version to come": b"GET /healthz HTTP/9.9\r\n\r\n",
    "another protocol": b"GET /healthz SIP/2.0\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "lower case": b"get /healthz http/1.1\r\nhost: x\r\n\r\n",
    "blanks only": b" " * 1000 + b"\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "two targets": b"GET /healthz /readyz HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the target": b"GET /healthz\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in the method": b"G\0T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
    "NUL in a header name": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX\0A: b\r\n\r\n",
    "control characters": b"GET /\x01\x02\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
    "header without a colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "header without a name": b"GET /healthz HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n",
    "blank before the colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A : x\r\n\r\n",
    "folded header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    "fold before any header": b"GET /healthz HTTP/1.1\r\n c\r\nHost: x\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "bare carriage returns": b"GET /healthz HTTP/1.1\rHost: x\r\r",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a negative length": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length that is no number": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "a huge length": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "2^63 as the length": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n",
    "two lengths": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "length and chunks": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
    "huge chunk size": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"ffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "unknown transfer encoding": b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n",
    "all bytes": bytes(range(256)) * 40,
    "a megabyte of zeros": b"\0" * 1_000_000,
    "a PostgreSQL startup": b"\0\0\0\x08\x04\xd2\x16\x2f",
}


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP)
def test_not_http(client, data):
    answer = exchange(client, data, is_whole=False)
    # Being lenient is allowed (200 for a missing Host), a crash or a server error is not.
    if answer is not None:
        assert answer.status < 500 or answer.status in (501, 505), (answer.status, answer.text)


def test_tls_is_not_spoken_here(client):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(client.address, timeout=5) as plain, pytest.raises(OSError):
        context.wrap_socket(plain)


def test_random_bytes(client):
    random_ = random.Random(7)
    for _ in range(100):
        data = random_.randbytes(random_.randrange(1, 400))
        answer = exchange(client, data + b"\r\n\r\n", is_whole=False)
        assert answer is None or 400 <= answer.status < 500 or answer.status in (501, 505)


def test_mutated_requests(client, auth):
    """Good requests with some bytes changed: whatever they mean now, no server error."""
    random_ = random.Random(8)
    good = request_bytes(EVENTS + "?limit=1&status=success&user_id=5&since=2024-01-01T00:00:00Z&cursor=AAAA",
                         headers={**auth, "Prefer": "handling=strict", "X-Request-ID": "abc"})
    for _ in range(300):
        data = bytearray(good)
        for _ in range(random_.randrange(1, 6)):
            data[random_.randrange(len(data))] = random_.randrange(256)
        answer = exchange(client, bytes(data), is_whole=False)
        assert answer is None or answer.status < 500 or answer.status in (501, 505), (answer.status, bytes(data))


def test_random_query_strings(client, auth):
    """Every answer to any query string is 200 or 422 (or 400 for bytes that no request line may hold)."""
    random_ = random.Random(9)
    pieces = ["limit", "user_id", "status", "cursor", "since", "until", "=", "=", "=", "&", "&", "%", "%00", "%ff", "+",
              "-1", "5", "201", "1.0", "_", "é", "%C3", ";", "/", "?", "[]", "T00:00:00Z", "2024-01-01", "A" * 60]
    for _ in range(400):
        query = "".join(random_.choice(pieces) for _ in range(random_.randrange(1, 25)))
        answer = client.send((EVENTS + "?" + query).encode(), headers=auth)
        assert answer.status in (200, 422), (query, answer.status, answer.text)
        if answer.status == 422:
            check_invalid(answer)


def test_cursor_of_random_bytes(client, auth):
    for size in (1, 5, 37, 60, 500):
        answer = client.send(f"{EVENTS}?cursor={quote_from_bytes(os.urandom(size) + b'.')}", headers=auth)
        assert check_invalid(answer)[0]["type"] in ("cursor_invalid", "string_unicode")


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization", "X-Request-ID", "Prefer", "Host", "Cookie"])
@pytest.mark.parametrize("value", [b"\xff\xfe", b"\xc3", b"\x80" * 100, b"a\x01b", b"\x7f", b"\"unclosed", b",,,;;;===",
                                   b"handling=\"stri\\", b"\\" * 100])
def test_odd_header_values(client, auth, header, value):
    headers = {**auth, header: (b"Bearer " if header == "Authorization" else b"") + value}
    answer = exchange(client, request_bytes(EVENTS, headers=headers))
    expected = (401, 400) if header in ("X-API-Key", "Authorization") else (200, 400)
    assert answer is not None and answer.status in expected, answer and answer.status


# Half requests, impatient and greedy clients

def test_half_requests_then_disconnect(daemon, client, auth):
    whole = request_bytes(TOKEN, "POST", auth, b"username=reader&password=wrong-password")
    files = daemon.open_files
    for length in range(0, len(whole), 3):
        connection = client.connect()
        connection.send(whole[:length])
        connection.abort() if length % 2 else connection.close()
    # A connection or two of the tests themselves may be kept alive.
    eventually(lambda: daemon.open_files <= files + 2, "the connections are closed")


def test_disconnect_before_the_answer(daemon, client, auth):
    files = daemon.open_files
    for number in range(200):
        connection = client.connect()
        connection.send(request_bytes(EVENTS + "?limit=200", headers=auth))
        connection.abort() if number % 2 else connection.close()
    eventually(lambda: daemon.open_files <= files + 2, "the connections are closed")


def test_reader_who_stops_reading(client, auth):
    """Its answers fill the socket; others are served (see next_request_is_served)."""
    with client.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.socket.settimeout(0.2)
        with contextlib.suppress(OSError):
            connection.socket.sendall(request_bytes(EVENTS + "?limit=200", headers=auth) * 200)
        assert client.send("/healthz").status == 200


def test_many_idle_connections(client, auth):
    with contextlib.ExitStack() as stack:
        for number in range(300):
            connection = stack.enter_context(client.connect())
            connection.send(b"" if number % 2 else b"GET /v1/audit/events HTTP/1.1\r\nX-A: ")
        assert len(client.send(EVENTS + "?limit=3", headers=auth).ids) == 3


def test_sigterm_with_idle_connections(database, start_daemon, auth):
    """Nothing is under way on them, so nothing is waited for."""
    daemon = start_daemon(database=database.conninfo())
    with contextlib.ExitStack() as stack:
        for data in (b"", b"GET /v1", request_bytes(EVENTS, headers=auth)[:-2], request_bytes("/healthz")):
            connection = stack.enter_context(daemon.client.connect())
            connection.send(data)
        assert connection.receive().status == 200
        started_s = time.monotonic()
        daemon.stop()
        assert time.monotonic() - started_s < 4


def test_slow_sender_is_served(client, auth):
    """One byte in each packet."""
    with client.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request_bytes(EVENTS + "?limit=3", headers=auth):
            connection.send(bytes([byte]))
        assert len(connection.receive().ids) == 3


def test_pipelined_requests_are_answered_in_order(client, auth, database):
    ids = select_ids(database, limit=20)
    with client.connect() as connection:
        requests = [request_bytes(f"{EVENTS}?limit={limit}", headers=auth) for limit in range(1, 21)]
        requests.insert(5, request_bytes(EVENTS + "?limit=0", headers=auth))
        requests.insert(10, request_bytes("/healthz"))
        connection.send(b"".join(requests))
        answers = [connection.receive() for _ in requests]
    assert [answer.status for answer in answers] == [200] * 5 + [422] + [200] * 16
    del answers[10], answers[5]
    for limit, answer in enumerate(answers, 1):
        assert answer.ids == ids[:limit]


def test_connection_is_kept_or_closed_as_asked(client, auth):
    with client.connect() as connection:
        for _ in range(3):
            connection.send(request_bytes(EVENTS + "?limit=1", headers=auth))
            assert connection.receive().status == 200
        connection.send(request_bytes(EVENTS + "?limit=1", headers={**auth, "Connection": "close"}))
        assert connection.receive().status == 200
        assert connection.receive() is None
    with client.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.receive().status == 200
        assert connection.receive() is None


def test_expect_100_continue(client):
    body = b"username=nobody&password=wrong-password"
    with client.connect() as connection:
        connection.send(b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\n"
                        b"Content-Type: application/x-www-form-urlencoded\r\n"
                        b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
        connection.send(body)
        assert connection.receive().status == 400  # http.client skips the 100


def test_no_leak(daemon, client, auth):
    """Some thousand requests of all sorts: afterwards no more files and hardly more memory than before."""
    good = [request_bytes(EVENTS + "?limit=5", headers=auth), request_bytes(EVENTS + "?limit=200", headers=auth),
            request_bytes(EVENTS + "?limit=0&user_id=x&cursor=y&since=z", headers=auth),
            request_bytes(EVENTS + "?" + "&".join(f"p{i}=1" for i in range(100)),
                          headers={**auth, "Prefer": "handling=strict"}),
            request_bytes(EVENTS), request_bytes(EVENTS, headers={"X-API-Key": "bad"}),
            request_bytes(EVENTS, headers={"Authorization": "Bearer a.b.c"}),
            request_bytes(EVENTS + "/018df0c8-0000-7000-8000-000000000000", headers=auth),
            request_bytes("/nothing"), request_bytes("/openapi.json")]
    bad = [b"GARBAGE\r\n\r\n", request_bytes(EVENTS + "?vm_id=" + "x" * 100_000, headers=auth),
           request_bytes(EVENTS, headers={"X-Padding": "x" * 100_000}), b"GET / HTTP/1.1\r\nX"]

    def round_of_requests(count):
        for number in range(count):
            with client.connect() as connection:
                connection.send(b"".join(good))
                for _ in good:
                    assert connection.receive() is not None
            if number % 5 == 0:
                for data in bad:
                    exchange(client, data, is_whole=False)
            # Keys that are never the same again: whatever is remembered about them must be bounded.
            exchange(client, request_bytes(EVENTS, headers={"X-API-Key": f"key {number} {os.urandom(8).hex()}"}))

    round_of_requests(80)
    files = daemon.open_files
    memory = daemon.resident_bytes
    round_of_requests(400)
    eventually(lambda: daemon.open_files <= files + 2, "no file is left open")
    grown = daemon.resident_bytes - memory
    assert grown < 3_000_000, f"{grown} bytes more"
