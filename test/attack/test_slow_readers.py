# Clients that ask for a large page and take it byte by byte, or not at all: they hold its memory for a bounded time.
import contextlib
import gzip
import os
import socket
import ssl
import tempfile

import pytest

from certificates import Authority
from http_client import EVENTS
from support import DEADLINE_S, eventually
from trail import AttackedTrail

SLOW = {"receive_timeout_s": 1, "answer_bytes_per_s": 4_000_000, "answer_memory_mb": 32}
TARGET = EVENTS + "?event_group=large"


@pytest.fixture(scope="module")
def trail():
    """One for all of them: nothing here changes what is in it."""
    attacked = AttackedTrail()
    yield attacked
    attacked.drop()


@pytest.fixture(scope="module")
def reader(trail):
    """The key of one who sees a page of 10.8 MB, which gzip makes half as large."""
    trail.execute("CREATE FUNCTION noise() RETURNS text LANGUAGE sql AS"
                  " $$ SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 28125) $$")
    trail.execute("SELECT audit_log('large', 't', error_message => noise()) FROM generate_series(1, 12)")
    return trail.create_api_key("reader")


def slow_connection(daemon, key, headers=""):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(DEADLINE_S)
    connection.connect(daemon.client.address)
    connection.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n{headers}\r\n".encode())
    return connection


def is_answered(daemon, key):
    return daemon.client.list(key, event_group="large").status == 200


def wait_for_its_end(daemon, connection, takes):
    def has_ended():
        with contextlib.suppress(ConnectionResetError):
            connection.recv(takes)
        return " code=499 " in daemon.log
    eventually(has_ended, "the answer has ended")


@pytest.mark.parametrize("headers", ["", "Accept-Encoding: gzip\r\n"])
@pytest.mark.parametrize("takes", [0, 1])
def test_slow_readers_are_cut_off(trail, start_daemon, reader, takes, headers):
    """Finding 12. However regularly they read; meanwhile other callers of their address lack the room that they hold."""
    daemon = start_daemon(trail, **{**SLOW, "answer_memory_mb": 64 if headers else 32})
    with slow_connection(daemon, reader, headers) as connection:
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert headers or not is_answered(daemon, reader)
        wait_for_its_end(daemon, connection, takes)
        assert is_answered(daemon, reader)


def test_slow_readers_over_tls(trail, start_daemon, reader):
    certificate, key = Authority().issue("localhost")
    with tempfile.TemporaryDirectory() as directory:
        for name, content in ("certificate", certificate), ("key", key):
            with open(os.open(os.path.join(directory, name), os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
                file.write(content)
        daemon = start_daemon(trail, tls_certificate_file=os.path.join(directory, "certificate"),
                              tls_key_file=os.path.join(directory, "key"), **SLOW)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(daemon.client.address, DEADLINE_S) as plain, context.wrap_socket(plain) as connection:
        connection.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: x\r\nX-API-Key: {reader}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        wait_for_its_end(daemon, connection, takes=1)


def test_fast_readers_are_not_cut_off(trail, start_daemon, reader):
    """Large pages one behind the other on a connection that lasts longer than any of them may take."""
    daemon = start_daemon(trail, **{**SLOW, "receive_timeout_s": 5})
    for _ in range(20):
        answer = daemon.client.list(reader, event_group="large", headers={"Accept-Encoding": "identity"})
        assert answer.status == 200 and len(answer.body) > 10_800_000
    assert " code=499 " not in daemon.log


def test_the_packed_copy_counts(trail, start_daemon, reader):
    """A page and its copy are more than the half that one address may have: it comes as it is, and is not refused."""
    request = {"Accept-Encoding": "gzip"}
    daemon = start_daemon(trail, **SLOW)
    answer = daemon.client.send(TARGET, headers={**request, "X-API-Key": reader})
    assert answer.status == 200 and answer.headers["Content-Encoding"] is None and answer.headers["Vary"] == "Accept-Encoding"
    daemon = start_daemon(trail, **{**SLOW, "answer_memory_mb": 64})
    packed = daemon.client.send(TARGET, headers={**request, "X-API-Key": reader})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == answer.body


def test_the_end_of_the_daemon_while_pages_are_packed(trail, start_daemon, reader):
    """The library would end the process over a request that it was made to wait for."""
    daemon = start_daemon(trail, drain_timeout_ms=0, answer_memory_mb=1000)
    connections = [slow_connection(daemon, reader, "Accept-Encoding: gzip\r\n") for _ in range(8)]
    answered = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%audit_list_json%' AND datname = current_database()"
    eventually(lambda: trail.execute(answered)[0][0] >= 4, "the database has answered for some of them")
    daemon.stop()
    for connection in connections:
        connection.close()
