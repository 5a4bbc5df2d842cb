# Mixed traffic for a long time: pages, events, log-ins, wrong parameters, wrong credentials, broken requests and closed
# connections. Meanwhile events are recorded, and keys made and revoked. Every answer must be one that its request may get.
# Memory and files of the daemon must stay what they are after the first quarter.
import collections
import contextlib
import os
import random
import secrets
import socket
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "http"), os.path.join(HERE, "..", "faults")]

from daemon import Daemon  # noqa: E402  (after the path is set)
from database import temporary_database  # noqa: E402
from http_client import EVENTS, TOKEN, Client, credentials, request_bytes  # noqa: E402
from load import EVENTS_OF_A_USER, USERS, Trail  # noqa: E402
from support import eventually, secret  # noqa: E402

MAX_GROWTH_BYTES = 4_000_000
PASSWORD = "soaked for five minutes"


class Traffic:
    """Kinds of requests, each with the statuses that it may get."""

    def __init__(self, daemon, trail, token):
        self.address = daemon.client.address
        self.trail = trail
        self.token = token
        self.counts = collections.Counter()
        self.wrong = []
        self.stop = threading.Event()
        self.kinds = [(12, self.page), (6, self.event), (3, self.walk), (1, self.login), (1, self.wrong_password),
                      (3, self.wrong_parameters), (3, self.wrong_credentials), (2, self.broken), (2, self.abandoned),
                      (2, self.pipelined)]

    def run(self, seed):
        random_ = random.Random(seed)
        client = Client(self.address)
        weights, kinds = zip(*self.kinds)
        while not self.stop.is_set():
            kind = random_.choices(kinds, weights)[0]
            try:
                kind(client, random_)
                self.counts[kind.__name__] += 1
            except Exception as error:  # whatever it is, it must not be
                self.wrong.append(f"{kind.__name__}: {error!r}")
                client.close()
                client = Client(self.address)
        client.close()

    def auth(self, random_):
        return {"key": self.trail.key} if random_.random() < 0.5 else {"token": self.token}

    def page(self, client, random_):
        user = random_.randrange(USERS)
        answer = client.list(**self.auth(random_), user_id=user, limit=EVENTS_OF_A_USER)
        assert answer.ids == self.trail.pages[user], "another page"

    def event(self, client, random_):
        one = random_.choice(self.trail.pages[random_.randrange(USERS)])
        answer = client.get(f"{EVENTS}/{one}", **self.auth(random_))
        assert answer.status == 200 and answer.json()["id"] == one, answer.text[:100]

    def walk(self, client, random_):
        user, ids, cursor = random_.randrange(USERS), [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = client.list(**self.auth(random_), user_id=user, limit=7, **more)
            ids += answer.ids
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        assert ids == self.trail.pages[user], "another walk"

    def login(self, client, _random):
        assert client.login("soak", PASSWORD).status in (200, 429)

    def wrong_password(self, client, random_):
        assert client.login(f"nobody {random_.randrange(50)}", "wrong").status in (400, 429, 503)

    def wrong_parameters(self, client, random_):
        wrong = random_.choice([{"limit": 0}, {"limit": 201}, {"user_id": "x"}, {"cursor": "y"}, {"since": "z"}])
        assert client.list(**self.auth(random_), **wrong).status == 422
        assert client.get(f"{EVENTS}/{secrets.token_hex(16)}", self.trail.key).status == 404
        assert client.get("/nothing").status == 404

    def wrong_credentials(self, client, _random):
        assert client.list(secrets.token_hex(8)).status == 401
        assert client.list(token="a.b." + secrets.token_hex(8)).status == 401
        assert client.get(EVENTS).status == 401

    def broken(self, client, random_):
        data = random_.choice([
            b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nX", b"\0" * 100, request_bytes(EVENTS, headers={"X": "y" * 100_000}),
            request_bytes(f"{EVENTS}?vm_id={'x' * 20_000}"), request_bytes(TOKEN, "POST", body=b"x" * 20_000)])
        with client.connect(5) as connection:
            connection.send(data)
            with contextlib.suppress(OSError):  # it may have closed already
                connection.socket.shutdown(socket.SHUT_WR)
            answer = connection.receive()
            assert answer is None or 400 <= answer.status < 500, answer.status

    def abandoned(self, client, _random):
        connection = client.connect()
        connection.send(request_bytes(f"{EVENTS}?limit=200", headers=credentials(self.trail.key)))
        connection.abort()

    def pipelined(self, client, random_):
        users = [random_.randrange(USERS) for _ in range(5)]
        with client.connect() as connection:
            connection.send(b"".join(request_bytes(f"{EVENTS}?user_id={user}&limit={EVENTS_OF_A_USER}",
                                                   headers=credentials(self.trail.key)) for user in users))
            for user in users:
                assert connection.receive().ids == self.trail.pages[user], "another page"


def change_things(trail, stop):
    """Other people's work: events that no page above shows, keys, and what the daemon is notified of."""
    number = 0
    while not stop.wait(0.5):
        number += 1
        trail.database.insert({"event_group": "other", "event_type": "t", "status": "s"} for _ in range(20))
        trail.database.create_api_key(f"short-lived {number}")
        trail.database.call("audit_revoke_api_key", f"short-lived {number}")


def measure(daemon):
    return daemon.resident_bytes, daemon.open_files


def soak(daemon, trail, token, duration_s):
    """Runs it; returns what was wrong, and prints what was seen."""
    traffic = Traffic(daemon, trail, token)
    threads = [threading.Thread(target=traffic.run, args=(seed,)) for seed in range(6)]
    threads.append(threading.Thread(target=change_things, args=(trail, traffic.stop)))
    for thread in threads:
        thread.start()
    began_s = time.monotonic()
    samples = []
    while time.monotonic() < began_s + duration_s and not traffic.wrong and daemon.running:
        time.sleep(min(5, duration_s / 20))
        samples.append(measure(daemon)[0])
    traffic.stop.set()
    for thread in threads:
        thread.join()
    print(f"# {sum(traffic.counts.values())} requests and walks in {duration_s} s: {dict(traffic.counts)}")
    if traffic.wrong or not daemon.running:
        return traffic.wrong, 0
    settled = samples[len(samples) // 4:]
    half = len(settled) // 2
    growth = max(settled[half:]) - max(settled[:half])
    print(f"# memory: {settled[0] / 1e6:.1f} MB after a quarter, {samples[-1] / 1e6:.1f} MB at the end;"
          f" the last {half} samples at most {growth / 1e6:.1f} MB above those before")
    return traffic.wrong, growth


def check(what, holds, seen=""):
    print(f"{'ok' if holds else 'not ok'} - {what}{': ' + str(seen) if seen else ''}", flush=True)
    return holds


def main(duration_s):
    with temporary_database() as database, tempfile.TemporaryDirectory() as directory:
        trail = Trail(database)
        secret_file = os.path.join(directory, "token_secret")
        with open(os.open(secret_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secret(secrets.token_urlsafe(48)))
        user = database.create_user("soak", PASSWORD)
        daemon = Daemon(database=database.conninfo(), token_secret_file=secret_file, token_lifetime_s=duration_s + 600,
                        address_requests_per_s=0, principal_requests_per_s=0)
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: daemon.running and daemon.stop())
            token = daemon.client.token(*user)
            files = daemon.open_files
            wrong, growth = soak(daemon, trail, token, duration_s)
            good = check("every answer is one that its request may get", not wrong, "; ".join(wrong[:5]))
            good &= check("it still runs", daemon.running)
            good &= check(f"memory grows by less than {MAX_GROWTH_BYTES / 1e6:.0f} MB", growth < MAX_GROWTH_BYTES)
            with contextlib.suppress(AssertionError):
                eventually(lambda: daemon.open_files <= files + 10, "files closed")
            good &= check("no file is left open", daemon.open_files <= files + 10, f"{files}, then {daemon.open_files}")
            log = daemon.log
            good &= check("no error in the log", " error " not in log, log[:300] if " error " in log else "")
            good &= check("no secret in the log", not daemon.shown_secrets())
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
