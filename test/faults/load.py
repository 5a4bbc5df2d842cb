# Readers who know what each answer must be, and a look at what a fault leaves behind in the daemon.
import collections
import contextlib
import http.client
import itertools
import json
import random
import threading
import time

from http_client import EVENTS
from support import eventually

USERS = 40
EVENTS_OF_A_USER = 30


class Trail:
    """Events of which each page is known: EVENTS_OF_A_USER for each user_id from 0 on."""

    def __init__(self, database):
        self.database = database
        database.execute(
            "INSERT INTO audit_events (created_at, event_group, event_type, status, user_id, event_payload)"
            " SELECT '2026-01-01Z'::timestamptz + n * interval '1 second', 'g', 't', 's', n %% %s,"
            " jsonb_build_object('number', n, 'text', repeat('x', 500)) FROM generate_series(1, %s) AS n",
            (USERS, USERS * EVENTS_OF_A_USER))
        database.execute("CHECKPOINT")  # commits are asynchronous on a throw-away cluster: a crash must not lose them
        self.key = database.create_api_key("load")
        self.pages = {user: [row[0] for row in database.execute(
            "SELECT id::text FROM audit_events WHERE user_id = %s ORDER BY created_at DESC, id DESC", (user,))]
            for user in range(USERS)}


class Load:
    """While entered, `threads` readers ask for pages and single events, each on a connection of its own, and check every
    answer against its request. `statuses` counts them by second; `wrong` has what must not be."""

    _serial = itertools.count()

    def __init__(self, daemon, trail, threads=8, may_refuse=(503, 504)):
        self._address = daemon.client.address
        self._trail = trail
        self._may_refuse = may_refuse
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(threads)]
        self.statuses = collections.Counter()
        self.wrong = []
        self.last_refused_s = 0.0  # time.monotonic()

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, seed):
        random_ = random.Random(seed)
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        while not self._stop.is_set():
            user = random_.randrange(USERS)
            one = random_.choice([None, *self._trail.pages[user]])
            try:
                self._ask(connection, user, one)
            except Exception as error:  # an answer that is no JSON, say
                self.wrong.append(repr(error))
        connection.close()

    def _ask(self, connection, user, one):
        request_id = f"load-{next(self._serial)}"
        target = f"{EVENTS}/{one}" if one else f"{EVENTS}?user_id={user}&limit={EVENTS_OF_A_USER}"
        try:
            connection.request("GET", target, headers={"X-API-Key": self._trail.key, "X-Request-ID": request_id})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if "no answer" not in self._may_refuse or isinstance(error, http.client.IncompleteRead):
                self.wrong.append(f"{target}: {error!r}")
            return self._refused("no answer")
        self._check(target, user, one, answer, body, request_id)

    def _check(self, target, user, one, answer, body, request_id):
        if answer.headers["X-Request-ID"] != request_id:
            self.wrong.append(f"{target}: the answer to another request: {answer.headers['X-Request-ID']}")
        elif answer.status == 200:
            document = json.loads(body)
            good = document["id"] == one if one else [item["id"] for item in document["items"]] == self._trail.pages[user]
            if not good:
                self.wrong.append(f"{target}: {body[:200]!r}")
            self.statuses[200] += 1
        elif answer.status in self._may_refuse:
            json.loads(body)["detail"]
            self._refused(answer.status)
        else:
            self.wrong.append(f"{target}: {answer.status} {body[:200]!r}")

    def _refused(self, status):
        self.statuses[status] += 1
        self.last_refused_s = time.monotonic()
        self._stop.wait(0.005)

    def await_served(self, count=200):
        """Until so many more were served."""
        goal = self.statuses[200] + count
        eventually(lambda: self.statuses[200] >= goal or self.wrong, f"{count} served; so far {self.statuses}", 60)
        self.assert_right()

    def await_recovery(self, since_s):
        """Until nothing is refused any more; returns how many seconds after `since_s` the last refusal came."""
        def calm():
            before = self.last_refused_s, self.statuses[200]
            time.sleep(0.2)
            return self.last_refused_s == before[0] and self.statuses[200] >= before[1] + 20
        eventually(lambda: calm() or self.wrong, f"served again; so far {self.statuses}", 60)
        self.assert_right()
        return max(0.0, self.last_refused_s - since_s)

    def assert_right(self):
        assert not self.wrong, self.wrong[:3]

    def __str__(self):
        return ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items(), key=str))


@contextlib.contextmanager
def nothing_left_behind(daemon, memory_bytes=8_000_000):
    """Files and memory are afterwards what they were before, to a few MB. The daemon must be warm."""
    pid, files, memory = daemon.pid, daemon.open_files, daemon.resident_bytes
    yield
    eventually(lambda: daemon.open_files <= files + 2, f"{files} open files again", 40)
    assert daemon.running and daemon.pid == pid
    grown = daemon.resident_bytes - memory
    assert grown < memory_bytes, f"{grown} bytes more than before"


def warm_up(daemon, trail):
    """So that what is made at first use is not taken for a leak."""
    with Load(daemon, trail, threads=16) as load:
        load.await_served(2000)
    daemon.client.close()
    eventually(lambda: is_settled(daemon), "the readers' connections are closed")


def is_settled(daemon):
    before = daemon.open_files
    time.sleep(0.3)
    return daemon.open_files == before
