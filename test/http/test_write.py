# POST /v1/audit/events: what is recorded, what is refused, and that after an error nothing was.
import concurrent.futures
import json
import random
import uuid

import pytest
import requests

from contract import INVALID, check_event
from events import GOOD, JSON, NDJSON
from http_client import EVENTS, credentials, request_bytes
from support import DEADLINE_S, secret


@pytest.fixture(scope="module")
def service(written, secret_file):
    from daemon import Daemon
    daemon = Daemon(database=written.conninfo(), token_secret_file=secret_file, body_memory_mb=24)
    yield daemon
    daemon.stop()


@pytest.fixture
def post(service, writer):
    def post(body, headers=JSON, key=writer, **more):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return service.client.request("POST", EVENTS, key, data=data.encode() if isinstance(data, str) else data,
                                      headers={**headers, **more})
    return post


def refused(answer, *locations):
    assert answer.status == 422, answer.text
    INVALID.validate(answer.json())
    assert [entry["loc"] for entry in answer.json()["detail"]] == [list(location) for location in locations]


def test_one_event(post, written, service):
    answer = post({**GOOD, "user_id": 5, "created_at": "2025-01-01T01:00:00.25+01:00", "event_payload": {"a": [1]},
                   "ip_address": "10.0.0.1", "latency_ms": 1.5})
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "private, no-store"
    body = answer.json()
    assert list(body) == ["ids", "recorded"] and body["recorded"] == 1
    reader = written.create_api_key("reader of one")
    event = service.client.get(f"{EVENTS}/{body['ids'][0]}", reader).json()
    check_event(event)
    assert (event["created_at"], event["user_id"], event["actor_type"]) == ("2025-01-01T00:00:00.250000Z", 5, "user")
    assert (event["source"], event["status"], event["event_payload"]) == ("api", "success", {"a": [1]})


def test_an_array_in_its_order(post, written):
    ids = post([{**GOOD, "event_type": str(n)} for n in range(500)]).json()["ids"]
    rows = written.execute("SELECT event_type FROM audit_events WHERE id = ANY (%s::uuid[]) ORDER BY created_at, id", (ids,))
    assert [row[0] for row in rows] == [str(n) for n in range(500)]
    types = dict(written.execute("SELECT id::text, event_type FROM audit_events WHERE id = ANY (%s::uuid[])", (ids,)))
    assert [types[id_] for id_ in ids] == [str(n) for n in range(500)]


@pytest.mark.parametrize("body", [
    '{"event_group":"g","event_type":"t"}', '{"event_group":"g","event_type":"t"}\n',
    '\n\r\n{"event_group":"g","event_type":"t"}\r\n \t\r\n{"event_group":"g","event_type":"t"}'])
def test_ndjson(post, count, body):
    before = count()
    answer = post(body, NDJSON)
    assert answer.status == 201, answer.text
    assert count() - before == answer.json()["recorded"] == body.count("{")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON ;x=y"])
def test_media_type_parameters(post, content_type):
    assert post(GOOD, {"Content-Type": content_type}).status == 201


def test_nothing_to_record(post, nothing_written):
    for body, headers in ("[]", JSON), ("", NDJSON), ("\n\n", NDJSON):
        answer = post(body, headers)
        assert (answer.status, answer.json()) == (201, {"ids": [], "recorded": 0})


# Who may.

def test_scopes(service, written, nothing_written):
    for name, scopes in ("only reads", ["audit:read"]), ("reads its own", ["audit:read:self"]):
        key = written.create_api_key(name, scopes=scopes, user_id=5)
        answer = service.client.request("POST", EVENTS, key, json=GOOD)
        assert (answer.status, answer.json()) == (403, {"detail": "Not enough permissions"})
        assert 'scope="audit:write"' in answer.headers["WWW-Authenticate"]
    assert service.client.request("POST", EVENTS, json=GOOD).status == 401
    assert service.client.request("POST", EVENTS, "ak_wrong", json=GOOD).status == 401


def test_a_writer_reads_nothing(service, writer):
    answer = service.client.list(writer)
    assert answer.status == 403 and 'scope="audit:read"' in answer.headers["WWW-Authenticate"]


def test_token_with_the_scope(service, written):
    username, password = written.create_user("writes", "correct horse", scopes=["audit:read", "audit:write"])
    answer = service.client.login(username, password, scope="audit:write")
    assert answer.json()["scope"] == "audit:write"
    token = answer.json()["access_token"]
    assert service.client.request("POST", EVENTS, token=token, json=GOOD).status == 201
    narrow = service.client.token(username, password, scope="audit:read")
    assert service.client.request("POST", EVENTS, token=narrow, json=GOOD).status == 403


def test_bound_to_a_user(service, written, count):
    key = written.create_api_key("bound", scopes=["audit:read:self", "audit:write"], user_id=77)
    answer = service.client.request("POST", EVENTS, key, json=[GOOD, {**GOOD, "user_id": 77}, {**GOOD, "user_id": None}])
    assert answer.json()["recorded"] == 3
    assert written.execute("SELECT count(*) FROM audit_events WHERE user_id = 77") == [(3,)]
    assert [item["user_id"] for item in service.client.list(key).json()["items"]] == [77] * 3
    before = count()
    for other in 78, "77", 77.5:
        answer = service.client.request("POST", EVENTS, key, json=[GOOD, {**GOOD, "user_id": other}])
        assert answer.status == (403 if other == 78 else 422), answer.text
    assert count() == before
    free = written.create_api_key("free", scopes=["audit:read", "audit:write"], user_id=77)
    assert service.client.request("POST", EVENTS, free, json={**GOOD, "user_id": 78}).status == 201


def test_runs_under_the_database_role(service, written, nothing_written):
    role = written.create_role("tenant")
    written.execute(f'GRANT "{role}" TO "{written.frontend}"')
    key = written.create_api_key("tenant", scopes=["audit:write"], db_role=role)
    answer = service.client.request("POST", EVENTS, key, json=GOOD)
    assert (answer.status, answer.json()) == (403, {"detail": "Not enough permissions"})


# What is refused.

@pytest.mark.parametrize("member, value, kind", [
    ("event", "t", "extra_forbidden"), ("next_cursor", None, "extra_forbidden"), ("", 1, "extra_forbidden"),
    ("event_group", None, "missing"), ("event_type", 5, "string_type"), ("user_id", "5", "int_type"),
    ("user_id", 1.5, "int_from_float"), ("user_id", 2**63, "int_parsing_size"), ("http_status", 2**31, "int_parsing_size"),
    ("task_id", True, "int_type"), ("latency_ms", "1", "float_type"), ("created_at", "yesterday", "datetime_parsing"),
    ("created_at", "2025-01-01T00:00:00", "timezone_aware"), ("created_at", 1735689600, "string_type"),
    ("created_at", "1969-12-31T23:59:59Z", "greater_than_equal"), ("created_at", "9998-12-31T23:59:59Z", "less_than_equal"),
    ("id", "x", "uuid_parsing"),
    ("ip_address", "localhost", "ip_any_address"), ("node_ip", 1, "string_type"), ("status", ["ok"], "string_type"),
    ("vm_id", "x" * 2049, "string_too_long"), ("session_id", "ü" * 1025, "string_too_long")])
def test_wrong_member(post, nothing_written, member, value, kind):
    wrong = {**GOOD, member: value}
    for body, headers, position in (([GOOD, wrong, GOOD], JSON, 1), (wrong, JSON, 0),
                                    ("\n".join(map(json.dumps, [GOOD, GOOD, wrong])), NDJSON, 2)):
        answer = post(body, headers)
        refused(answer, ["body", position, member])
        assert answer.json()["detail"][0]["type"] == kind


def test_all_that_is_wrong_is_reported(post, nothing_written):
    refused(post([GOOD, {"user_id": "x", "event_type": "t"}, 5, {}]),
            ["body", 1, "user_id"], ["body", 1, "event_group"], ["body", 2], ["body", 3, "event_group"], ["body", 3, "event_type"])


@pytest.mark.parametrize("body", ["5", '"text"', "null", "true"])
def test_neither_event_nor_list(post, nothing_written, body):
    refused(post(body), ["body"])


@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b"[", b"]", b'{"event_group":"g","event_type":"t"},', b'{"event_group":"g","event_type":"t"}{}',
    b'[{"event_group":"g","event_type":"t"},]', b"{'event_group':'g'}", b'{"event_group":"g","event_type":NaN}',
    b'{"event_group":"g","event_type":"a\0b"}',
    b'{"event_group":"g","event_type":"\xff"}', b'{"event_group":"g","event_type":"\xc0\xaf"}',
    b'{"event_group":"g","event_type":"\xed\xa0\x80"}', b'\xef\xbb\xbf{"event_group":"g","event_type":"t"}',
    b'{"event_group":"g","event_type":"tab\there"}', b"event_group=g&event_type=t"])
def test_no_json(post, nothing_written, body):
    answer = post(body)
    assert (answer.status, answer.json()) == (400, {"detail": "The body is not valid JSON"})


@pytest.mark.parametrize("member, value, place", [
    ("error_message", r'"x\u0000y"', "error_message"), ("error_message", r'"\ud800"', "error_message"),
    ("event_type", r'"\udc00\ud800"', "event_type"), ("event_payload", r'{"a":[{"b":"\ud800x"}]}', "event_payload"),
    ("event_payload", r'{"a":{"\u0000":1}}', "event_payload"), (r"a\u0000", "1", None), (r"user\u005fagent", r'"\u0000"', "user_agent"),
    ("no_member", r'"\u0000"', "no_member"), ("latency_ms", "1e999999", "latency_ms"), ("event_payload", "[1e-99999]", "event_payload"),
    ("event_payload", "[" * 100_000 + "]" * 100_000, "event_payload"), ("event_payload", '{"a":' * 100_000, "event_payload")])
def test_what_no_database_holds(post, nothing_written, member, value, place):
    """Valid JSON all the same, so that the answer must say where it is."""
    wrong = '{"event_group":"g","event_type":"t","' + member + '":' + value + "}"
    for body, headers, position in ((f"[{json.dumps(GOOD)},{wrong},{json.dumps(GOOD)}]", JSON, 1), (wrong, JSON, 0),
                                    (f"{json.dumps(GOOD)}\n\n{wrong}", NDJSON, 1)):
        refused(post(body, headers), ["body", position] + ([place] if place else []))


def test_text_that_is_no_event_with_what_no_database_holds(post, nothing_written):
    refused(post(r'"\u0000"'), ["body"])
    refused(post(r'[5, "\ud800"]'), ["body", 1])
    refused(post("[" * 100_000), ["body", 0])


def test_broken_line(post, nothing_written):
    for line in b'{"event_group":"g"', b'{"event_group":"g","event_type":"t"},{"event_group":"g","event_type":"t"}':
        answer = post(b'{"event_group":"g","event_type":"t"}\n\n' + line, NDJSON)
        assert (answer.status, answer.json()) == (400, {"detail": "Line 3 of the body is not valid JSON"})
    assert post(b'{"event_group":"g","event_type":"t"}\n\xff', NDJSON).status == 400
    # A value over two lines is two broken ones.
    answer = post(b'{"event_group":"g",\n"event_type":"t"}', NDJSON)
    assert (answer.status, answer.json()) == (400, {"detail": "Line 1 of the body is not valid JSON"})


def test_media_types(post, nothing_written):
    for headers in {"Content-Type": "text/plain"}, {"Content-Type": "application/jsonx"}, {"Content-Type": ""}:
        assert post(GOOD, headers).status == 415
    answer = post("event_group=g", {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.headers["Accept-Post"] == "application/json, application/x-ndjson"


def test_body_cut_at_every_byte(post, nothing_written):
    body = json.dumps([GOOD, {**GOOD, "event_payload": {"a": [1, "ü\n"]}}]).encode()
    for size in range(len(body)):
        assert post(body[:size]).status == 400
    lines = b'{"event_group":"g","event_type":"t","user_id":12}\n{"event_group":"g","event_type":"t"}'
    first = lines.index(b"\n")
    for size in [*range(1, first), *range(first + 2, len(lines))]:
        assert post(lines[:size], NDJSON).status == 400


def test_client_gone_in_the_middle_of_the_body(service, writer, count):
    before = count()
    body = json.dumps([GOOD] * 100).encode()
    whole = request_bytes(EVENTS, "POST", {**JSON, **credentials(writer)}, body)
    for left in range(1, len(body), 97):
        with service.client.connect() as connection:
            connection.send(whole[:-left])
            connection.abort() if left % 2 else connection.close()
    # A request sent now comes after them.
    assert service.client.get("/healthz").status == 200
    assert count() == before


def test_random_garbage_in_the_middle(post, count):
    random_ = random.Random(7)
    good = json.dumps([{**GOOD, "user_id": 1, "event_payload": {"k": ["v", 1.5, None]}}] * 3).encode()
    before = expected = count()
    for _ in range(400):
        body = bytearray(good)
        for _ in range(random_.randint(1, 4)):
            place = random_.randrange(len(body))
            body[place:place + random_.randint(0, 3)] = random_.choice((b"", b'"', b"{", b"}", b",", b"\\", b"\0", b"\xff", b"1"))
        answer = post(bytes(body))
        assert answer.status in (201, 400, 422), answer.text
        if answer.status == 201:
            expected += answer.json()["recorded"]
        assert count() == expected
    assert expected < before + 3 * 400


# Wrong values by member: JSON that is well-formed, and no event.
WRONG = {"event_group": (None, 5, {}, "x" * 2049), "event_type": (None, ["t"], True), "user_id": ("5", 1.5, 2**63), "http_status": (2**31, "x"),
         "created_at": ("yesterday", 5), "id": ("x", 5), "ip_address": ("localhost", 1), "vm_id": ("x" * 2049, 1), "no_member": (None, 1)}


def random_event(random_):
    """(event, the members that are wrong with it)"""
    event = {**GOOD, "user_id": random_.randrange(9), "path": "".join(random_.choices('aü"\\\n\t/{}[],:', k=random_.randrange(30))),
             "event_payload": random_.choice(([], {}, {"k": [1, 2.5, None, {"l": "ü"}]}, "text", 7))}
    wrong = random_.sample(sorted(WRONG), random_.randint(1, 3)) if random_.random() < 0.1 else []
    event.update((member, random_.choice(WRONG[member])) for member in wrong)
    return event, wrong


@pytest.mark.parametrize("seed", range(3))
def test_random_batches(post, count, seed):
    """Whole or cut off, right or with faults anywhere: all recorded, or nothing and each fault reported with its place."""
    random_ = random.Random(seed)
    expected = count()
    statuses = set()
    for _ in range(80):
        events, faults = zip(*(random_event(random_) for _ in range(random_.randint(1, 12))))
        headers, text = random_.choice((
            (JSON, json.dumps(events)), (JSON, json.dumps(events, ensure_ascii=False, indent=1)), (NDJSON, "\n".join(map(json.dumps, events)))))
        if len(events) == 1 and headers is JSON:
            text = json.dumps(events[0])
        body = text.encode()
        is_cut = random_.random() < 0.3
        answer = post(body[:random_.randrange(len(body))] if is_cut else body, headers)
        statuses.add(answer.status)
        if is_cut:
            # Whole lines are whole events.
            assert answer.status in ((400,) if headers is JSON else (201, 400, 422)), answer.text
            expected += answer.json()["recorded"] if answer.status == 201 else 0
        elif any(faults):
            assert answer.status == 422, answer.text
            told = {tuple(entry["loc"]) for entry in answer.json()["detail"]}
            assert told == {("body", number, member) for number, members in enumerate(faults) for member in members}
        else:
            assert (answer.status, answer.json()["recorded"]) == (201, len(events)), answer.text
            expected += len(events)
        assert count() == expected
    assert statuses == {201, 400, 422}


def test_duplicate_members(post, written):
    """As everywhere in PostgreSQL's jsonb, the last one counts."""
    id_ = post(b'{"event_group":"g","event_type":"first","event_type":"last"}').json()["ids"][0]
    assert written.execute("SELECT event_type FROM audit_events WHERE id = %s", (id_,)) == [("last",)]


# How much.

def test_ten_thousand_events(post, count):
    before = count()
    answer = post([GOOD] * 10_000)
    assert answer.status == 201 and len(set(answer.json()["ids"])) == 10_000
    assert count() == before + 10_000
    for body, headers in ([GOOD] * 10_001, JSON), ("\n".join([json.dumps(GOOD)] * 10_001), NDJSON):
        answer = post(body, headers)
        assert (answer.status, answer.json()) == (413, {"detail": "A request can have 10000 events"})
    assert count() == before + 10_000


def events_of(size):
    """A body of just as many bytes, with twenty events, since one alone may not be that large."""
    empty = json.dumps([{**GOOD, "error_message": ""}] * 20)
    text = "x" * ((size - len(empty)) // 20)
    body = json.dumps([{**GOOD, "error_message": text}] * 20).encode()
    return body[:-1] + b" " * (size - len(body)) + b"]"


def test_ten_megabytes(post, service, writer, count):
    before = count()
    size = 10 * 1024 * 1024
    assert post(events_of(size)).status == 201
    assert post(events_of(size + 1)).status == 413
    # The length is not announced.
    chunks = (b"x" * 65536 for _ in range(size // 65536 + 1))
    assert service.client.request("POST", EVENTS, writer, data=chunks, headers=JSON).status == 413
    assert count() == before + 20


def test_without_credentials_only_small_bodies(service, nothing_written):
    assert service.client.request("POST", EVENTS, data=b"x" * 1000, headers=JSON).status == 401
    assert service.client.request("POST", EVENTS, data=b"x" * 20_000, headers=JSON).status == 413


def test_memory_for_bodies_is_bounded(service, writer, post):
    """The daemon holds 24 MB of bodies: a third one of 10 MB finds no room, until another is gone."""
    size = 10 * 1024 * 1024
    head = request_bytes(EVENTS, "POST", {**JSON, **credentials(writer), "Content-Length": size})
    holders = [service.client.connect() for _ in range(2)]
    for holder in holders:
        holder.send(head + b"x" * (size - 1))
    body = events_of(size)
    for _ in range(1000):
        answer = post(body)
        if answer.status == 503:
            break
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert post(GOOD).status == 201
    for holder in holders:
        holder.send(b"x")
        assert holder.receive().status == 400
        holder.close()
    assert post(body).status == 201


def test_memory_of_many_ten_megabytes(start_daemon, written, secret_file, writer, count):
    """Each body is held once, and let go: what the daemon ever took is its bound on bodies and little more."""
    body = events_of(10 * 1024 * 1024)
    daemon = start_daemon(database=written.conninfo(), token_secret_file=secret_file, body_memory_mb=64, pool_size=4,
                          query_timeout_ms=60000, request_timeout_ms=120000)
    assert daemon.client.request("POST", EVENTS, writer, json=GOOD).status == 201
    before, before_bytes = count(), daemon.peak_resident_bytes
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(
            lambda _: requests.post(daemon.client.url + EVENTS, body, headers={**JSON, **credentials(writer)}, timeout=DEADLINE_S * 3), range(24)))
    assert [answer.status_code for answer in answers] == [201] * 24
    assert count() == before + 24 * 20
    grown_mb = (daemon.peak_resident_bytes - before_bytes) / 1024 ** 2
    assert grown_mb < 2 * 4 * 10 + 16, f"{grown_mb:.0f} MB more at the most"


# Twice.

def test_a_given_id_is_recorded_once(post, written):
    for event in ({**GOOD, "id": str(uuid.uuid4())}, {**GOOD, "id": "018df0c8-0000-7000-8000-0000000000aa"},
                  {**GOOD, "id": str(uuid.uuid4()), "created_at": "2025-01-01T00:00:00Z"}):
        assert post(event).json() == {"ids": [event["id"]], "recorded": 1}
        assert post([event, {**event, "created_at": "2025-02-01T00:00:00Z"}, GOOD]).json()["recorded"] == 1
        assert written.execute("SELECT count(*) FROM audit_events WHERE id = %s", (event["id"],)) == [(1,)]


def test_one_id_by_many_at_once(post, written):
    for _ in range(10):
        ids = [str(uuid.uuid4()) for _ in range(5)]
        with concurrent.futures.ThreadPoolExecutor(8) as executor:
            def record(number):
                order = ids if number % 2 else ids[::-1]
                return post([{**GOOD, "id": id_} for id_ in order])
            answers = list(executor.map(record, range(8)))
        assert [answer.status for answer in answers] == [201] * 8
        assert sum(answer.json()["recorded"] for answer in answers) == 5
        assert written.execute("SELECT count(*) FROM audit_events WHERE id = ANY (%s::uuid[])", (ids,)) == [(5,)]


def test_idempotency_key(post, service, written, count):
    before = count()
    first = post([GOOD, GOOD], **{"Idempotency-Key": "k-1"})
    again = post([GOOD, GOOD], **{"Idempotency-Key": "k-1"})
    assert first.status == again.status == 201 and first.body == again.body
    assert count() == before + 2
    refused(post([GOOD], **{"Idempotency-Key": "k-1"}), ["header", "Idempotency-Key"])
    other = written.create_api_key("other writer", scopes=["audit:write"])
    answer = post([GOOD, GOOD], key=other, **{"Idempotency-Key": "k-1"})
    assert answer.status == 201 and answer.body != first.body
    assert count() == before + 4


def test_idempotency_key_of_a_failed_request_is_free(post, count):
    before = count()
    refused(post({"event_group": "g"}, **{"Idempotency-Key": "k-2"}), ["body", 0, "event_type"])
    assert post(b"{", **{"Idempotency-Key": "k-2"}).status == 400
    assert post(GOOD, **{"Idempotency-Key": "k-2"}).status == 201
    assert count() == before + 1


def test_idempotency_key_by_many_at_once(post, count):
    before = count()
    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        answers = list(executor.map(lambda _: post([GOOD] * 50, **{"Idempotency-Key": "k-3"}), range(16)))
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert count() == before + 50


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256])
def test_wrong_idempotency_key(service, writer, nothing_written, key):
    answer = service.client.send(EVENTS, "POST", {**JSON, **credentials(writer), "Idempotency-Key": key}, b"[]")
    refused(answer, ["header", "Idempotency-Key"])


def test_the_daemon_needs_the_right(start_daemon, written, writer):
    role = written.create_role("reading_frontend", password := secret("not so secret"))
    written.call("audit_grant_frontend", role)
    daemon = start_daemon(database=written.conninfo(user=role, password=password))
    answer = daemon.client.request("POST", EVENTS, writer, json=GOOD)
    assert (answer.status, answer.json()) == (403, {"detail": "Not enough permissions"})


def test_body_limit_of_the_operator(written, writer, start_daemon, count):
    client = start_daemon(database=written.conninfo(), body_limit_bytes=2000).client
    before = count()
    good = json.dumps(GOOD).encode()
    assert client.request("POST", EVENTS, writer, data=good.ljust(2000), headers=JSON).status == 201
    assert client.request("POST", EVENTS, writer, data=good.ljust(2001), headers=JSON).status == 413
    assert count() == before + 1


@pytest.mark.parametrize("policy", ["principal", "address"])
def test_requests_a_second(written, writer, start_daemon, nothing_written, policy):
    """Requests that write count as those that read do, whatever becomes of them."""
    client = start_daemon(database=written.conninfo(), **{f"{policy}_requests_per_s": 5}).client
    answers = [client.request("POST", EVENTS, writer, data=b"no event", headers=JSON) for _ in range(20)]
    assert {answer.status for answer in answers} == {400, 429}
    for answer in answers:
        if answer.status == 429:
            assert answer.json() == {"detail": "Too many requests"}
            assert answer.headers["Retry-After"] == "1"
            assert answer.headers["RateLimit-Policy"] == f'"{policy}";q=5;w=1'
            assert answer.headers["RateLimit"] == f'"{policy}";r=0;t=1'
