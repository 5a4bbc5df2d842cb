# Sends bodies of POST /v1/audit/events, made by damaging those in corpus/post_body, some as gzip, to a daemon of its own for so many
# seconds. Coverage is what the answers say: a body with a new kind of answer is damaged further. Each answer must be one
# that the API has, what it says was recorded must be there, and nothing may crash.
import base64
import gzip
import json
import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "http"))

from daemon import Daemon  # noqa: E402  (after the path is set)
from database import temporary_database  # noqa: E402
from http_client import EVENTS  # noqa: E402

CORPUS = os.path.join(HERE, "corpus", "post_body")
PIECES = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b"\r\n", b"null", b"true", b"-1", b"1e400", b"NaN", b"\0",
          b"\xff", b"\xed\xa0\x80", b"\\u0000", b"\\ud800", b'"id"', b'"created_at"', b'"user_id"', b'"ip_address"',
          b'"event_payload"', b'"infinity"', b"9223372036854775808", b"1.5", b'"event_type"', b"[" * 5000, b"{}", b"x" * 70000]
TYPES = ["application/json", "application/x-ndjson"]
CODINGS = ["identity", "identity", "gzip"]


def damage(random_, body, other):
    """One to four changes: a bit, a piece put in, a part left out, doubled, or taken from another body."""
    for _ in range(random_.randint(1, 4)):
        at, end = sorted(random_.randint(0, len(body)) for _ in range(2))
        body = random_.choice([
            lambda: body[:at] + bytes(byte ^ 1 << random_.randrange(8) for byte in body[at:at + 1]) + body[at + 1:],
            lambda: body[:at] + random_.choice(PIECES) + body[at:],
            lambda: body[:at] + random_.choice(PIECES) + body[end:],
            lambda: body[:at] + body[end:],
            lambda: body[:end] + body[at:],
            lambda: body[:at] + other[random_.randint(0, len(other)):],
        ])()
    return body[:200_000]


def packed(random_, body):
    """In two members, and now and then damaged on the way."""
    at = random_.randint(0, len(body))
    whole = gzip.compress(body[:at]) + gzip.compress(body[at:])
    return damage(random_, whole, whole) if random_.random() < 0.2 else whole


def kind_of(answer):
    """What the answer says, without its details; raises unless the API has such an answer."""
    document = answer.json()
    if answer.status == 201:
        assert 0 <= document["recorded"] <= len(document["ids"])
        return 201, min(document["recorded"], 3)
    assert answer.status in (400, 413, 422), answer.status
    detail = document["detail"]
    assert detail, "no detail"
    if answer.status != 422:
        return answer.status, detail
    return 422, *sorted({(str(entry["loc"][-1]), entry["type"]) for entry in detail})


class Fuzzer:
    def __init__(self, database, daemon):
        self._database = database
        self._client = daemon.client
        self._key = database.create_api_key("fuzzer", scopes=["audit:write"])
        self._random = random.Random(time.time_ns())
        self._corpus = []
        for name in sorted(os.listdir(CORPUS)):
            with open(os.path.join(CORPUS, name), "rb") as file:
                self._corpus.append(file.read())
        self._recorded = 0
        self.kinds = set()
        self.count = 0

    def step(self):
        body = damage(self._random, self._random.choice(self._corpus), self._random.choice(self._corpus))
        headers = {"Content-Type": self._random.choice(TYPES), "Content-Encoding": self._random.choice(CODINGS)}
        sent = packed(self._random, body) if headers["Content-Encoding"] == "gzip" else body
        try:
            answer = self._client.request("POST", EVENTS, self._key, data=sent, headers=headers)
            kind = kind_of(answer)
            if answer.status == 201:
                self._recorded += answer.json()["recorded"]
        except Exception as error:
            text = base64.b64encode(sent[:3000]).decode()
            raise AssertionError(f"{error!r} after {len(sent)} bytes of {headers}: {text}") from error
        self.count += 1
        if kind not in self.kinds:
            self.kinds.add(kind)
            self._corpus.append(body)

    def check_recorded(self):
        there = self._database.execute("SELECT count(*) FROM audit_events")[0][0]
        assert there == self._recorded, f"{there} events, but {self._recorded} were said to be recorded"


def server_processes(database):
    """Others than before after a crash of any session."""
    return database.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")


def main():
    seconds = float(sys.argv[1])
    with temporary_database() as database:
        database.call("audit_grant_writer", database.frontend)
        daemon = Daemon(database=database.conninfo(), principal_requests_per_s=0, address_requests_per_s=0)
        fuzzer, before = Fuzzer(database, daemon), server_processes(database)
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                fuzzer.step()
            fuzzer.check_recorded()
            assert server_processes(database) == before, "the server crashed"
            daemon.stop()
        except AssertionError as error:
            print(f"not ok - post_body\n# {error}")
            return 1
        print(f"ok - post_body: {fuzzer.count} inputs in {seconds:.0f} s, {len(fuzzer.kinds)} kinds of answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
