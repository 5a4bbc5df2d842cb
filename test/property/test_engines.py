# Both engines give the same bytes: audit_ext.engine = posting against sql, on random data while they change.
# - AUDIT_ENGINES_SEED         repeats a run (each run prints its seed)
# - AUDIT_ENGINES_COMPARISONS  how many pages are compared (default: half a minute)
# - AUDIT_ENGINES_ROWS         size of the two big partitions
# - AUDIT_ENGINES_SECONDS      how long readers compare while others write (default 8)
# - AUDIT_ENGINES_WRITERS      how many insert meanwhile (default 2); others delete, VACUUM, make and drop a partition
import contextlib
import json
import os
import random
import time

import pytest

from changing_events import CHANGES, FILTER_INDEXES, random_filters, set_up, writing
from database import temporary_database

SEED = int(os.environ.get("AUDIT_ENGINES_SEED", random.SystemRandom().randrange(2**32)))
COMPARISONS = int(os.environ.get("AUDIT_ENGINES_COMPARISONS", 4000))
# Enough for posting trees of several pages for the frequent values.
ROWS = int(os.environ.get("AUDIT_ENGINES_ROWS", 40000))
SECONDS = float(os.environ.get("AUDIT_ENGINES_SECONDS", 8))
WRITERS = int(os.environ.get("AUDIT_ENGINES_WRITERS", 2))

# Walks, each a page and some that follow it, compared in the server: so a comparison costs little more than its pages.
COMPARE = """
CREATE FUNCTION compare_walks(walks json, OUT pages int, OUT by_posting int, OUT events bigint, OUT block_ranges bigint, OUT different json)
LANGUAGE plpgsql AS $$
DECLARE
  w record;
  position text;
  answer text;
  reference text;
BEGIN
  pages := 0; by_posting := 0; events := 0; block_ranges := 0;
  FOR w IN SELECT * FROM json_to_recordset(walks) AS (event_group text, event_type text, status text, user_id bigint, vm_id text,
             session_id text, page_size int, since timestamptz, until timestamptz, page_count int) LOOP
    position := NULL;
    FOR n IN 1 .. w.page_count LOOP
      PERFORM set_config('audit_ext.engine', 'sql', true);
      reference := audit_list_json(w.event_group, w.event_type, w.status, w.user_id, w.vm_id, w.session_id, position, w.page_size, w.since, w.until);
      PERFORM set_config('audit_ext.engine', 'posting', true);
      answer := audit_list_json(w.event_group, w.event_type, w.status, w.user_id, w.vm_id, w.session_id, position, w.page_size, w.since, w.until);
      IF answer IS DISTINCT FROM reference THEN
        different := json_build_object('walk', w, 'cursor', position);
        RETURN;
      END IF;
      SELECT by_posting + (max(e.value) FILTER (WHERE e.name = 'engine') = 'posting')::int,
             events + max(e.value) FILTER (WHERE e.name = 'events')::int,
             block_ranges + max(e.value) FILTER (WHERE e.name = 'block_ranges_read')::int INTO by_posting, events, block_ranges
      FROM audit_explain(w.event_group, w.event_type, w.status, w.user_id, w.vm_id, w.session_id, position, w.page_size, w.since, w.until) e;
      pages := pages + 1;
      position := answer::json ->> 'next_cursor';
      EXIT WHEN position IS NULL;
    END LOOP;
  END LOOP;
END $$;
"""


@pytest.fixture(scope="module", autouse=True)
def seed():
    print(f"\nAUDIT_ENGINES_SEED={SEED} AUDIT_ENGINES_ROWS={ROWS} AUDIT_ENGINES_COMPARISONS={COMPARISONS} AUDIT_ENGINES_SECONDS={SECONDS}")


@pytest.fixture(scope="module")
def database():
    with temporary_database() as database:
        set_up(database, random.Random(SEED), ROWS)
        database.execute(COMPARE)
        yield database


class Comparer:
    """Compares pages and counts."""

    def __init__(self, random_):
        self._random = random_
        self.pages = self.by_posting = self.events = self.block_ranges = 0

    def compare(self, session, page_counts):
        """A walk of so many pages each, if there are as many."""
        walks = [{**random_filters(self._random), "page_size": self._random.choice((1, 2, 7, 50, 50, 199, 200)), "page_count": count}
                 for count in page_counts]
        session.execute("SELECT * FROM compare_walks(%s)", (json.dumps(walks),))
        pages, by_posting, events, block_ranges, different = session.fetchone()
        assert different is None, (SEED, self.pages + pages, different)
        self.pages += pages
        self.by_posting += by_posting
        self.events += events
        self.block_ranges += block_ranges

    def check(self):
        print(f"{self.pages} pages compared: {self.by_posting} answered by posting lists, {self.pages - self.by_posting} by SQL; {self.events} events; {self.block_ranges} ranges of blocks")
        assert self.by_posting > self.pages / 2
        assert self.events > self.pages
        assert self.block_ranges > self.pages / 10


def test_same_bytes_while_the_data_change(database):
    random_ = random.Random(SEED + 1)
    comparer = Comparer(random_)
    with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        while comparer.pages < COMPARISONS:
            comparer.compare(session, [random_.choice((1, 1, 3, 20)) for _ in range(10)])
            random_.choice(CHANGES)(database, random_)
    comparer.check()


def test_same_bytes_while_others_write(database):
    """Each reader compares in one snapshot, while pages split and are emptied under it, and partitions come and go."""
    random_ = random.Random(SEED + 2)
    comparer = Comparer(random_)
    end = time.monotonic() + SECONDS
    for index in FILTER_INDEXES:
        database.execute(f"ALTER INDEX {index} SET (fastupdate = on, gin_pending_list_limit = 64)")
    with writing(database, SEED + 100, WRITERS), contextlib.closing(database.connect()) as connection:
        connection.autocommit = False
        while time.monotonic() < end:
            with connection.cursor() as session:
                session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                comparer.compare(session, [random_.choice((1, 3)) for _ in range(20)])
            connection.rollback()
    comparer.check()
