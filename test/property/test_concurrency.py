# Walks from page to page while others write, VACUUM runs and partitions come and go. What was there before a walk began, and stays,
# is on exactly one of its pages, in order. It does not matter what happens between the pages and during them.
#   AUDIT_CONCURRENCY_SEED     repeats a run (each run prints its seed)
#   AUDIT_CONCURRENCY_SECONDS  how long each test walks (default 6)
import contextlib
import itertools
import os
import random
import threading
import time

import pytest

from changing_events import set_up, writing
from database import temporary_database

SEED = int(os.environ.get("AUDIT_CONCURRENCY_SEED", random.SystemRandom().randrange(2**32)))
SECONDS = float(os.environ.get("AUDIT_CONCURRENCY_SECONDS", 6))

# Events that are never deleted. Their user, whom make_events() does not know, marks them, and they have a status of their own.
KEPT_USER = 100000
KEEP = """INSERT INTO audit_events (id, created_at, user_id, event_group, event_type, status)
  SELECT gen_random_uuid(), since + random() * (until - since), %s, 'kept', 'kept', 'kept'
  FROM (SELECT timestamptz %s AS since, timestamptz %s AS until) x, generate_series(1, %s) RETURNING id::text"""


@pytest.fixture(scope="module")
def database():
    print(f"\nAUDIT_CONCURRENCY_SEED={SEED} AUDIT_CONCURRENCY_SECONDS={SECONDS}")
    with temporary_database() as database:
        set_up(database, random.Random(SEED), 20000)
        yield database


class Keeper:
    """Inserts events to be kept, committed ones and others, until the end; `committed` are those that were."""

    def __init__(self, database):
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failure = None
        self.committed = set()

    def _run(self):
        random_ = random.Random(SEED + 50)
        try:
            with contextlib.closing(self._database.connect()) as connection:
                connection.autocommit = False
                while not self._stop.is_set():
                    self._insert(connection, random_)
        except Exception as failure:  # reported by __exit__, in the test's thread
            self.failure = failure

    def _insert(self, connection, random_):
        since, until = random_.choice((("2024-01-01", "2024-02-01"), ("2024-02-01", "2024-03-01"), ("2024-02-20", "2024-06-01")))
        with connection.cursor() as session:
            session.execute(KEEP, (KEPT_USER, since, until, random_.choice((1, 5, 40))))
            ids = {row[0] for row in session.fetchall()}
        if random_.random() < 0.2:
            connection.rollback()
            return
        connection.commit()
        self.committed = self.committed | ids  # not |=: who has the old set keeps it as it is

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        assert self.failure is None, self.failure


def walk(session, page_sizes, arguments):
    """[(created_at, id)] of all pages."""
    rows, cursor = [], None
    while True:
        size = next(page_sizes)
        session.execute(f"SELECT created_at, id::text, next_cursor FROM audit_list(cursor => %s, page_size => %s{arguments})", (cursor, size))
        page = session.fetchall()
        assert len(page) <= size
        rows += [row[:2] for row in page]
        if not page or page[0][2] is None:
            return rows
        assert len(page) == size
        cursor = page[0][2]


# By one filter, by two, by none: over the whole trail, so in larger pages.
WALKS = ((f", user_id => {KEPT_USER}", (7, 50, 1)), (f", event_group => 'kept', user_id => {KEPT_USER}", (50, 3)), ("", (200,)))


@pytest.mark.parametrize("number, isolation", enumerate(["READ COMMITTED", "REPEATABLE READ"]))
def test_walks_miss_nothing(database, number, isolation):
    walks = pages = 0
    end = time.monotonic() + SECONDS
    with writing(database, SEED + 100 + 100 * number), Keeper(database) as keeper, contextlib.closing(database.connect()) as connection:
        connection.autocommit = False
        with connection.cursor() as session:
            session.execute(f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {isolation}")
            connection.commit()
            while time.monotonic() < end or walks < len(WALKS):
                arguments, page_sizes = WALKS[walks % len(WALKS)]
                before = keeper.committed
                rows = walk(session, itertools.cycle(page_sizes), arguments)
                ids = {row[1] for row in rows}
                assert len(set(rows)) == len(rows), (isolation, arguments, "an event on two pages")
                assert rows == sorted(rows, reverse=True), (isolation, arguments, "out of order")
                assert before <= ids, (isolation, arguments, len(before - ids), "left out")
                if isolation == "REPEATABLE READ" and arguments:
                    session.execute("SELECT id::text FROM audit_events WHERE user_id = %s", (KEPT_USER,))
                    assert ids == {row[0] for row in session.fetchall()}
                connection.commit()
                walks += 1
                pages += len(rows)
    print(f"{isolation}: {walks} walks, {pages} events, {len(keeper.committed)} kept")
