# Walking a list to its end over HTTP while other sessions insert: each event that was there at the start, once.
import random
import threading
from urllib.parse import urljoin

import pytest

from daemon import Daemon
from http_client import EVENTS
from support import eventually


@pytest.fixture(scope="module")
def walker(scratch, secret_file):
    """3,000 events in ties of ten, and a daemon that reads them."""
    scratch.execute("INSERT INTO audit_events (event_group, event_type, status, user_id, created_at)"
                    " SELECT 'g' || n % 3, 't' || n % 7, 'success', n % 5,"
                    "        '2024-02-29T00:00:00Z'::timestamptz + (n / 10) * interval '1 second'"
                    " FROM generate_series(1, 3000) n")
    daemon = Daemon(database=scratch.conninfo(), token_secret_file=secret_file)
    yield daemon.client
    daemon.stop()


class Inserters:
    """Sessions that insert before, within and after the times that are there, back-dated and in ties. They insert one by one,
    and in transactions that stay open for some rows. They wait for turns(), else they could outrun the walk."""

    def __init__(self, database, count=3):
        self._database = database
        self._turns = threading.Semaphore(0)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(seed,)) for seed in range(count)]
        self.inserted = 0

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        self.turns(len(self._threads))
        for thread in self._threads:
            thread.join()

    def turns(self, count):
        """Lets them do so many transactions."""
        for _ in range(count):
            self._turns.release()

    def insert_some(self):
        """Returns when one session has committed something; the others may still be at it."""
        already = self.inserted
        self.turns(3)
        eventually(lambda: self.inserted > already or self.turns(1), "a session inserts")

    def _run(self, seed):
        random_ = random.Random(seed)
        session = self._database.connect()
        session.autocommit = False
        while self._turns.acquire() and not self._stop.is_set():
            count = random_.choice((1, 1, 5))
            with session.cursor() as cursor:
                for _ in range(count):
                    cursor.execute(
                        "INSERT INTO audit_events (event_group, event_type, status, user_id, created_at) VALUES"
                        " (%s, 't1', 'success', 1, '2024-02-29T00:00:00Z'::timestamptz + %s * interval '1 second')",
                        (f"g{random_.randrange(3)}", random_.randrange(-50, 400)))
            if random_.random() < 0.9:
                session.commit()
                self.inserted += count
            else:
                session.rollback()
        session.close()


@pytest.mark.parametrize("filters, limit", [({}, 200), ({"event_group": "g1"}, 200), ({"event_group": "g1"}, 33),
                                            ({"event_type": "t1", "user_id": 1}, 17)], ids=str)
def test_walk_while_others_insert(walker, scratch, filters, limit):
    key = scratch.create_api_key(f"walker {filters} {limit}")
    conditions = " AND ".join([f"{name} = %s" for name in filters] or ["true"])
    with Inserters(scratch) as inserters:
        start = {row[0] for row in scratch.execute(f"SELECT id::text FROM audit_events WHERE {conditions}",
                                                   tuple(filters.values()))}
        seen, keys = [], []
        inserters.turns(20)
        answer = walker.list(key, limit=limit, **filters)
        while True:
            page = answer.json()
            seen += [event["id"] for event in page["items"]]
            keys += [(event["created_at"].replace("Z", ".000000Z")[:26], event["id"]) for event in page["items"]]
            if page["next_cursor"] is None:
                break
            assert len(page["items"]) == limit
            inserters.insert_some()
            link = answer.headers["Link"].split(">")[0].lstrip("<")
            answer = walker.get(urljoin(walker.url + EVENTS, link)[len(walker.url):], key)
    assert len(seen) == len(set(seen)), "an event was returned twice"
    assert start <= set(seen), f"{len(start - set(seen))} events were left out"
    assert keys == sorted(keys, reverse=True), "not newest first"
