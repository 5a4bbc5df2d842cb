# What one client may take: sizes, time, connections. What a client that has gone leaves behind: nothing.
import contextlib
import select
import socket
import time

import pytest

from http_client import EVENTS, TOKEN, request_bytes
from support import eventually

@pytest.fixture
def start(database, secret_file, start_daemon):
    def start(**options):
        return start_daemon(database=database.conninfo(), token_secret_file=secret_file, **options)
    return start


def closed_within(connection, deadline_s):
    connection.socket.settimeout(deadline_s)
    with contextlib.suppress(ConnectionResetError):
        return connection.socket.recv(1) == b""
    return True


def test_target_limit(start, auth):
    client = start(target_limit_bytes=1000).client
    assert client.send(EVENTS + "?vm_id=" + "v" * 900, headers=auth).status == 200
    answer = client.send(EVENTS + "?vm_id=" + "v" * 1000, headers=auth)
    assert (answer.status, answer.json()) == (414, {"detail": "URI Too Long"})


def test_head_limit(start, auth):
    client = start(head_limit_bytes=20000).client
    assert client.send(EVENTS + "?limit=1", headers={**auth, "X-A": "a" * 17000}).status == 200
    client = start(head_limit_bytes=4096, target_limit_bytes=2000).client
    assert client.send(EVENTS + "?limit=1", headers={**auth, "X-A": "a" * 2000}).status == 200
    answer = client.send(EVENTS + "?limit=1", headers={**auth, "X-A": "a" * 17000})
    assert (answer.status, answer.json()) == (431, {"detail": "Request Header Fields Too Large"})


def test_errors_of_the_library_have_a_request_id(client):
    answer = client.send(EVENTS, headers={"X-A": "a" * 50000})
    assert answer.status == 431
    assert len(answer.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_body_limit(start, user, framing):
    client = start(body_limit_bytes=2000).client
    form = f"username={user[0]}&password={user[1].replace(' ', '+')}&x=".encode()

    def send(size):
        body = form + b"x" * (size - len(form))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if framing == "length":
            return client.send(TOKEN, "POST", headers, body)
        with client.connect() as connection:
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            connection.send(request_bytes(TOKEN, "POST", {**headers, "Transfer-Encoding": "chunked"}) + chunks)
            return connection.receive()

    assert send(2000).status == 200
    answer = send(2001)
    assert (answer.status, answer.json()) == (413, {"detail": "Content Too Large"})


SLOW_SENDERS = {
    "nothing": (b"", b""),
    "a head, byte by byte": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", b"a"),
    "a body, byte by byte": (b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n", b"a"),
    "a target, byte by byte, on a connection that was used": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /", b"a"),
}


@pytest.mark.parametrize("what", SLOW_SENDERS)
def test_slow_senders_are_cut_off(start, what):
    """However regularly their bytes come, which keeps any timeout between bytes from ending it."""
    client = start(receive_timeout_s=1, idle_timeout_s=2).client
    first, more = SLOW_SENDERS[what]
    with client.connect() as connection:
        connection.send(first)
        if "used" in what:
            assert connection.receive().status == 200

        begun = time.monotonic()
        eventually(lambda: connection.is_closed_after(more), "closed")
        assert time.monotonic() - begun > 0.5  # not for another reason
    assert client.get("/healthz").status == 200


def test_idle_connections_are_closed(start):
    client = start(idle_timeout_s=1).client
    with client.connect() as connection:
        connection.send(request_bytes("/healthz"))
        assert connection.receive().status == 200
        assert closed_within(connection, 10)


def test_slow_requests_are_not_cut_off_while_they_are_answered(start, auth, database):
    client = start(receive_timeout_s=1, idle_timeout_s=1, query_timeout_ms=20000, request_timeout_ms=20000).client
    with locked_events(database) as lock, client.connect() as connection:
        connection.send(request_bytes(EVENTS + "?limit=2", headers=auth))
        eventually(lambda: waiting_backends(database), "the query waits for the lock")
        assert not select.select([connection.socket], [], [], 2.5)[0]  # neither an answer nor a close
        lock.rollback()
        assert len(connection.receive().ids) == 2


def test_connections_per_address(start):
    client = start(connections_per_address=3).client
    with contextlib.ExitStack() as stack:
        held = hold_open(stack, client, 3)
        with client.connect() as refused:
            assert closed_within(refused, 10)
        held[0].close()
        eventually(lambda: served(client), "served again")


def test_connections_of_a_trusted_proxy_are_not_limited(start):
    client = start(connections_per_address=2, trusted_proxies="127.0.0.0/8").client
    with contextlib.ExitStack() as stack:
        hold_open(stack, client, 5)


def test_connection_limit(start):
    client = start(connection_limit=3).client
    with contextlib.ExitStack() as stack:
        held = hold_open(stack, client, 3)
        held[0].close()
        eventually(lambda: served(client), "served again")


def login(client, username, forwarded_for):
    headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
    return client.request("POST", TOKEN, headers=headers, data={"username": username, "password": "wrong"}).status


def test_forwarded_addresses_of_strangers_do_not_count(start):
    client = start(login_attempts=3).client
    statuses = [login(client, f"nobody {number}", f"198.51.100.{number}") for number in range(5)]
    assert statuses == [400, 400, 400, 429, 429]


def test_forwarded_addresses_of_trusted_proxies_count(start):
    client = start(login_attempts=3, trusted_proxies="127.0.0.1, 10.0.0.0/8").client
    statuses = [login(client, f"nobody {number}", f"198.51.100.{number}") for number in range(5)]
    assert statuses == [400] * 5
    # What the client itself sent stands before what the proxies added.
    statuses = [login(client, f"nobody {number}", f"203.0.113.{number}, 198.51.100.9, 10.1.1.1") for number in range(5)]
    assert statuses == [400, 400, 400, 429, 429]
    # A network of IPv6 is one client.
    statuses = [login(client, f"nobody {number}", f"2001:db8::{number}") for number in range(5)]
    assert statuses == [400, 400, 400, 429, 429]


def hold_open(stack, client, count):
    """So many connections that each have had an answer."""
    held = [stack.enter_context(client.connect()) for _ in range(count)]
    for connection in held:
        connection.send(request_bytes("/healthz"))
        assert connection.receive().status == 200
    return held


def served(client):
    with client.connect() as connection:
        connection.send(request_bytes("/healthz"))
        answer = connection.receive()
        return answer is not None and answer.status == 200


@contextlib.contextmanager
def locked_events(database):
    """Locks the events meanwhile: requests wait, for as long as a test likes."""
    with contextlib.closing(database.connect()) as lock:
        lock.autocommit = False
        lock.cursor().execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        yield lock


def waiting_backends(database):
    return database.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                            " AND wait_event_type = 'Lock' AND state = 'active'")[0][0]


@pytest.mark.parametrize("how", ["close", "abort"])
def test_queries_of_gone_clients_are_cancelled(start, auth, database, how):
    daemon = start(pool_size=2, query_timeout_ms=60000, request_timeout_ms=60000)
    with locked_events(database):
        clients = [daemon.client.connect() for _ in range(4)]
        for connection in clients:
            connection.send(request_bytes(EVENTS, headers=auth))
        eventually(lambda: waiting_backends(database) == 2, "two queries run, two requests wait")
        for connection in clients:
            getattr(connection, how)()
        eventually(lambda: waiting_backends(database) == 0, "all cancelled")
    # The connections can be used again, and no request gets another's answer.
    answer = daemon.client.send(EVENTS + "?limit=3", headers=auth)
    assert len(answer.ids) == 3


def test_a_half_closed_connection_is_answered(start, auth, database):
    """A client may say early that it will send no more, and still wait."""
    client = start().client
    with client.connect() as connection:
        connection.send(request_bytes(EVENTS + "?limit=3", headers=auth))
        connection.socket.shutdown(socket.SHUT_WR)
        assert len(connection.receive().ids) == 3


def test_requests_of_a_principal(start, database):
    """Two keys are two principals, whatever their address."""
    client = start(principal_requests_per_s=5).client
    keys = [database.create_api_key(f"busy {number}") for number in range(2)]
    for key in keys:
        answers = [client.get(EVENTS + "?limit=1", key) for _ in range(20)]
        refused = [answer for answer in answers if answer.status == 429]
        assert {answer.status for answer in answers} == {200, 429}
        assert len(refused) < 16
        assert answers[0].headers["RateLimit-Policy"] == '"principal";q=5;w=1'
        assert answers[0].headers["RateLimit"] == '"principal";r=4;t=1'
        for answer in refused:
            assert answer.json() == {"detail": "Too many requests"}
            assert answer.headers["Retry-After"] == "1"
            assert answer.headers["RateLimit"] == '"principal";r=0;t=1'
        eventually(lambda key=key: client.get(EVENTS + "?limit=1", key).status == 200, "served again")


def test_requests_of_an_address(start):
    """Also of callers without credentials, and before anything else about them is looked at."""
    client = start(address_requests_per_s=5, trusted_proxies="127.0.0.1").client

    def statuses(address, target):
        return [client.get(target, headers={"X-Forwarded-For": address}).status for _ in range(20)]

    assert set(statuses("198.51.100.1", EVENTS)) == {401, 429}
    assert set(statuses("198.51.100.2", "/no/such/path")) == {404, 429}
    refused = [answer for answer in (client.get("/healthz") for _ in range(20)) if answer.status == 429]
    assert refused[0].headers["RateLimit-Policy"] == '"address";q=5;w=1'
    assert refused[0].headers["Retry-After"] == "1"


def test_no_limit_on_requests(start, key):
    client = start(address_requests_per_s=0, principal_requests_per_s=0).client
    answer = client.get(EVENTS + "?limit=1", key)
    assert answer.status == 200
    assert answer.headers["RateLimit"] is None
