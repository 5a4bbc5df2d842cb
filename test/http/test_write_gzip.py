# A body that comes as gzip is the same request as without.
import concurrent.futures
import gzip
import json

import pytest

from daemon import Daemon
from events import GOOD, JSON, NDJSON
from http_client import EVENTS, TOKEN, credentials

BODY = json.dumps([GOOD, {**GOOD, "event_payload": {"a": [1, "ü\n"]}}]).encode()
LIMIT = 200_000


@pytest.fixture(scope="module")
def service(written, secret_file):
    daemon = Daemon(database=written.conninfo(), token_secret_file=secret_file, body_limit_bytes=LIMIT)
    yield daemon
    daemon.stop()


@pytest.fixture
def post(service, writer):
    def post(body, coding="gzip", headers=JSON, key=writer, **more):
        return service.client.request("POST", EVENTS, key, data=body, headers={**headers, "Content-Encoding": coding, **more})
    return post


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZip", "gzip ", ",gzip,"])
def test_names(post, count, coding):
    before = count()
    answer = post(gzip.compress(BODY), coding)
    assert (answer.status, answer.json()["recorded"]) == (201, 2)
    assert count() == before + 2


@pytest.mark.parametrize("coding", ["", "identity", "Identity", ","])
def test_names_of_no_coding(post, coding):
    assert post(BODY, coding).status == 201
    assert post(gzip.compress(BODY), coding).status == 400


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, identity", "gzip;q=1", "g zip", "*"])
def test_other_codings(post, nothing_written, coding):
    answer = post(gzip.compress(BODY), coding)
    assert (answer.status, answer.json()) == (415, {"detail": "Content-Encoding is not supported"})
    assert answer.headers["Accept-Encoding"] == "gzip"


def test_two_headers_are_two_codings(service, writer, nothing_written):
    headers = [*JSON.items(), *credentials(writer).items(), ("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]
    answer = service.client.send(EVENTS, "POST", headers, gzip.compress(gzip.compress(BODY)))
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "gzip")


def test_log_in_takes_none(service, written):
    username, password = written.create_user("logs in", "correct horse")
    form = f"username={username}&password={password}".replace(" ", "+").encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = service.client.request("POST", TOKEN, data=gzip.compress(form), headers={**headers, "Content-Encoding": "gzip"})
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "identity")
    answer = service.client.request("POST", TOKEN, data=form, headers={**headers, "Content-Encoding": "identity"})
    assert answer.status == 200


def test_ndjson_in_members(post, count):
    """As log shippers write it: a member for each part, and lines that go on in the next one."""
    before = count()
    lines = b"\n".join(json.dumps({**GOOD, "user_id": n}).encode() for n in range(100))
    packed = b"".join(gzip.compress(lines[at:at + 33]) for at in range(0, len(lines), 33)) + gzip.compress(b"")
    assert post(packed, headers=NDJSON).json()["recorded"] == 100
    assert count() == before + 100


def test_in_chunks(post, count):
    before = count()
    packed = gzip.compress(BODY)
    assert post(iter([packed[:7], packed[7:11], packed[11:]])).status == 201
    assert count() == before + 2


def test_cut_at_every_byte(post, nothing_written):
    packed = gzip.compress(BODY)
    for size in range(len(packed)):
        answer = post(packed[:size])
        assert (answer.status, answer.json()) == (400, {"detail": "The gzip body ends too early"}), size


def test_damaged(post, nothing_written):
    packed = gzip.compress(BODY)
    damaged = [BODY, packed + b"x" * 20, packed + b"\0" * 512, packed + BODY, packed[:-8] + b"\0\0\0\0" + packed[-4:],
               packed[:-4] + b"\0\0\0\0", packed[:3] + b"\xe0" + packed[4:], packed[:12] + b"\xff" * 8 + packed[20:]]
    for body in damaged:
        answer = post(body)
        assert (answer.status, answer.json()) == (400, {"detail": "The body is not valid gzip"}), body


def test_what_is_in_it_is_judged_as_any_body(post, nothing_written):
    assert post(gzip.compress(b"")).json() == {"detail": "The body is not valid JSON"}
    answer = post(gzip.compress(b'{"event_group":"g","event_type":"t"}\n{"event_gro'), headers=NDJSON)
    assert (answer.status, answer.json()) == (400, {"detail": "Line 2 of the body is not valid JSON"})
    answer = post(gzip.compress(b'[{"event_group":"g","event_type":"t","path":"\\u0000"}]'))
    assert (answer.status, answer.json()["detail"][0]["loc"]) == (422, ["body", 0, "path"])
    assert post(gzip.compress(BODY), headers={"Content-Type": "text/plain"}).status == 415


def test_limit_when_it_is_unpacked(post, count):
    before = count()
    event = json.dumps(GOOD).encode()
    assert post(gzip.compress(event.ljust(LIMIT))).status == 201
    for size in (LIMIT + 1, 100 * LIMIT):
        answer = post(gzip.compress(event.ljust(size)))
        assert (answer.status, answer.json()) == (413, {"detail": "Content Too Large"})
    assert post(gzip.compress(event) + gzip.compress(b" " * LIMIT)).status == 413
    assert count() == before + 1


def test_who_may(service, written, nothing_written):
    packed = gzip.compress(BODY)
    headers = {**JSON, "Content-Encoding": "gzip"}
    reader = written.create_api_key("only reads", scopes=["audit:read"])
    statuses = [service.client.request("POST", EVENTS, key, data=packed, headers=headers).status for key in (reader, "ak_wrong", None)]
    assert statuses == [403, 401, 401]


def test_idempotency_key_is_of_what_is_in_it(post, count):
    before = count()
    answers = [post(body, coding, **{"Idempotency-Key": "packed"}) for body, coding in (
        (gzip.compress(BODY), "gzip"), (gzip.compress(BODY, 1), "gzip"), (BODY, "identity"), (gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), "gzip"))]
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert count() == before + 2
    assert post(gzip.compress(json.dumps(GOOD).encode()), **{"Idempotency-Key": "packed"}).status == 422


def test_many_at_once(post, count):
    before = count()
    packed = gzip.compress(json.dumps([GOOD] * 50).encode())
    with concurrent.futures.ThreadPoolExecutor(16) as executor:
        answers = list(executor.map(lambda _: post(packed), range(200)))
    assert {answer.status for answer in answers} == {201}
    assert count() == before + 200 * 50
