# Both engines give the same bytes: audit_ext.engine = posting against sql, on random data while they change.
# - AUDIT_ENGINES_SEED         repeats a run (each run prints its seed)
# - AUDIT_ENGINES_COMPARISONS  how many pages are compared (default: half a minute)
# - AUDIT_ENGINES_ROWS         size of the two big partitions
# - AUDIT_ENGINES_SECONDS      how long readers compare while others write (default 8)
# - AUDIT_ENGINES_WRITERS      how many insert meanwhile (default 2); others delete, VACUUM, make and drop a partition
import contextlib
import os
import random
import time

import pytest

from changing_events import CHANGES, FILTER_INDEXES, set_up, writing
from comparing import COMPARE, Comparer
from database import temporary_database

SEED = int(os.environ.get("AUDIT_ENGINES_SEED", random.SystemRandom().randrange(2**32)))
COMPARISONS = int(os.environ.get("AUDIT_ENGINES_COMPARISONS", 4000))
# Enough for posting trees of several pages for the frequent values.
ROWS = int(os.environ.get("AUDIT_ENGINES_ROWS", 40000))
SECONDS = float(os.environ.get("AUDIT_ENGINES_SECONDS", 8))
WRITERS = int(os.environ.get("AUDIT_ENGINES_WRITERS", 2))

@pytest.fixture(scope="module", autouse=True)
def seed():
    print(f"\nAUDIT_ENGINES_SEED={SEED} AUDIT_ENGINES_ROWS={ROWS} AUDIT_ENGINES_COMPARISONS={COMPARISONS} AUDIT_ENGINES_SECONDS={SECONDS}")


@pytest.fixture(scope="module")
def database():
    with temporary_database() as database:
        set_up(database, random.Random(SEED), ROWS)
        database.execute(COMPARE)
        yield database


def check(comparer):
    print(comparer)
    assert comparer.by_posting > comparer.pages / 2
    assert comparer.events > comparer.pages
    assert comparer.block_ranges > comparer.pages / 10


def test_same_bytes_while_the_data_change(database):
    random_ = random.Random(SEED + 1)
    comparer = Comparer(random_, SEED)
    with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        while comparer.pages < COMPARISONS:
            comparer.compare(session, [random_.choice((1, 1, 3, 20)) for _ in range(10)])
            random_.choice(CHANGES)(database, random_)
    check(comparer)


def test_same_bytes_while_others_write(database):
    """Each reader compares in one snapshot, while pages split and are emptied under it, and partitions come and go."""
    random_ = random.Random(SEED + 2)
    comparer = Comparer(random_, SEED)
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
    check(comparer)
