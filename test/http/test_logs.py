# The log: one line a request, as text or JSON, that no caller can forge or put a secret into.
import json
import re

import pytest

from http_client import EVENTS, TOKEN, request_bytes
from support import DEADLINE_S, eventually, secret

DEADLINE_MS = int(DEADLINE_S * 1000)  # on a busy machine the default time-outs end queries that a test holds up
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) \S.*")


@pytest.fixture
def daemon(database, secret_file, start_daemon):
    return start_daemon(database=database.conninfo(), token_secret_file=secret_file, log_format="json",
                        login_attempts=1, query_timeout_ms=DEADLINE_MS, request_timeout_ms=DEADLINE_MS)


def requests_in(daemon):
    """The lines of requests. Every line must be an object of its own."""
    lines = [json.loads(line) for line in daemon.log.splitlines()]
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    return [line for line in lines if line["message"] == "request"]


def await_request(daemon, **members):
    """The first line that has these."""
    def find():
        return next((line for line in requests_in(daemon) if members.items() <= line.items()), None)
    return eventually(find, f"a line with {members} in:\n{daemon.log}")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_members(daemon, key, encoding):
    request_id = f"my-{encoding}-request"
    headers = {"X-Request-ID": request_id, "X-API-Key": key, "Accept-Encoding": encoding}
    answer = daemon.client.send(EVENTS + "?limit=2", headers=headers)
    line = await_request(daemon, request_id=request_id)
    assert {name: line[name] for name in ("level", "client", "principal", "method", "route", "code", "bytes")} == {
        "level": "info", "client": "127.0.0.1", "principal": "api_key:reads everything", "method": "GET",
        "route": EVENTS, "code": 200, "bytes": len(answer.body)}
    stages = [line[name] for name in ("auth_ms", "queue_ms", "database_ms", "send_ms")]
    assert all(stage >= 0 for stage in stages) and line["duration_ms"] >= max(stages)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])


@pytest.mark.parametrize("method, target, code, route", [
    ("GET", EVENTS, 401, EVENTS), ("GET", "/nowhere?x=1", 404, ""), ("PUT", EVENTS, 405, EVENTS),
    ("GET", "/healthz", 200, "/healthz"), ("POST", TOKEN, 400, TOKEN), ("GET", "/" + "x" * 9000, 414, "")])
def test_every_request_has_its_line(daemon, method, target, code, route):
    daemon.client.send(target, method, {"X-Request-ID": "this"})
    line = await_request(daemon, request_id="this")
    assert (line["code"], line["route"], line["method"]) == (code, route, method)
    assert len(requests_in(daemon)) == 1


def test_rejected(daemon):
    daemon.client.login("nobody", "a wrong password")
    daemon.client.login("nobody", "a wrong password")
    assert await_request(daemon, code=429)["rejected"] == "too_many_logins"


def test_requests_that_the_http_library_refuses(daemon):
    with daemon.client.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n")
        assert connection.receive().status == 431
    assert await_request(daemon, code=431)["client"] == "127.0.0.1"


def test_client_that_goes_away(database, daemon, key):
    with database.connect() as session, session.cursor() as cursor:
        session.autocommit = False
        cursor.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        connection = daemon.client.connect()
        connection.send(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        eventually(lambda: database.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0], "a query waits")
        connection.abort()
        session.rollback()
    assert await_request(daemon, code=499)["route"] == EVENTS


def test_requests_can_be_followed_in_the_database(database, daemon, key):
    """By application_name; a long id is cut, and idle sessions have none."""
    names = """SELECT application_name FROM pg_stat_activity
      WHERE datname = %s AND state = %s AND query LIKE %s AND pid <> pg_backend_pid()"""
    event = daemon.client.list(key, limit=1).ids[0]
    for target in (EVENTS, f"{EVENTS}/{event}"):
        with database.connect() as session, session.cursor() as cursor:
            session.autocommit = False
            cursor.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
            with daemon.client.connect() as connection:
                connection.send(request_bytes(target, headers={"X-API-Key": key, "X-Request-ID": "f" * 60}))
                found = eventually(lambda: database.execute(f"{names} AND wait_event_type = 'Lock'", (database.name, "active", "%_json(%$%")),
                                   "a query that waits")
                assert found == [(f"audit_httpd {'f' * 51}",)]
                session.rollback()
                assert connection.receive().status == 200
    assert set(database.execute(names, (database.name, "idle", "%$%"))) <= {("audit_httpd",)}


EVIL = ["evil\"} {\"x\":1", "evil\\", "\x7fevil", "evil\tmethod", "{}{}%s%n", "\x80evil", "{0}"]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_caller_can_forge_a_line(database, start_daemon, log_format):
    """What a caller controls: the method, the request's id, names of users and keys, paths, what is no HTTP at all."""
    name = log_format + "\n2026-01-01T00:00:00.000Z info forged \"name\" {}"
    forger = database.create_api_key(name)
    daemon = start_daemon(database=database.conninfo(), log_format=log_format, log_level="debug")
    assert daemon.client.list(forger).status == 200
    for evil in EVIL:
        with daemon.client.connect() as connection:
            connection.send(evil.encode("latin-1") + b" /" + evil.encode("latin-1") + b" HTTP/1.1\r\nHost: x\r\n"
                            b"X-Request-ID: " + evil.encode("latin-1") + b"\r\n\r\n")
            connection.receive()
    daemon.client.send("/%0a2026-01-01T00:00:00.000Z%20info%20forged")
    eventually(lambda: "code=404" in daemon.log or '"code":404' in daemon.log, "the last request's line")
    for line in daemon.log.splitlines():
        assert not re.match(r"\d{4}-\S+ info forged", line), line
        if log_format == "json":
            json.loads(line)
        else:
            assert TEXT_LINE.fullmatch(line) and line.isprintable(), line


def test_nothing_private_is_logged(database, secret_file, start_daemon, key, user):
    """Daemon.stop() looks for every token, key and password; here also filters, cursors and paths."""
    daemon = start_daemon(database=database.conninfo(), token_secret_file=secret_file, log_level="debug")
    token = daemon.client.token(*user)
    cursor = secret(daemon.client.list(key, limit=1).json()["next_cursor"])
    assert daemon.client.list(token=token, limit=1, cursor=cursor).status == 200
    assert daemon.client.list(token=token, limit=1, cursor=cursor + "x").status == 422
    assert daemon.client.list(key, event_group=secret("a very private filter")).status == 200
    assert daemon.client.get(EVENTS + "/" + key, key).status == 422
    assert daemon.client.get("/" + key).status == 404
    assert daemon.client.get("/?api_key=" + key).status == 404


def test_server_timing(database, start_daemon, key):
    daemon = start_daemon(database=database.conninfo(), server_timing="on")
    timing = daemon.client.list(key).headers["Server-Timing"]
    assert re.fullmatch(r"auth;dur=\d+\.\d{3}, queue;dur=\d+\.\d{3}, db;dur=\d+\.\d{3}", timing)
    assert "Server-Timing" not in daemon.client.list("a wrong key").headers


def test_no_server_timing_unless_asked_for(daemon, key):
    assert "Server-Timing" not in daemon.client.list(key).headers
