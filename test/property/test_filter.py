# Both engines answer random filters with the same bytes.
#   AUDIT_FILTER_SEED         repeats a run (each run prints its seed)
#   AUDIT_FILTER_COMPARISONS  how many filters are compared (default 1500)
import json
import os
import random

import pytest

from database import temporary_database
from random_expressions import random_event, random_expression

SEED = int(os.environ.get("AUDIT_FILTER_SEED", random.SystemRandom().randrange(2**32)))
COMPARISONS = int(os.environ.get("AUDIT_FILTER_COMPARISONS", 1500))
EVENTS = 300

# Compared in the server, each filter alone and with another condition beside it.
_COMPARE = """
CREATE FUNCTION answer(engine text, expression text, group_ text, since_ timestamptz, page_size_ int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('audit_ext.engine', engine, true);
  RETURN audit_list_json(filter => expression, event_group => group_, since => since_, page_size => page_size_);
END $$;
CREATE FUNCTION compare_filters(expressions text[], OUT different text, OUT events bigint, OUT by_posting bigint, OUT explained bigint, OUT with_some bigint)
LANGUAGE plpgsql AS $$
DECLARE
  expression text;
  reference text;
  group_ text;
  since_ timestamptz;
  size_ int;
BEGIN
  events := 0; by_posting := 0; explained := 0; with_some := 0;
  FOREACH expression IN ARRAY expressions LOOP
    group_ := CASE WHEN random() < 0.2 THEN 'a' END;
    since_ := CASE WHEN random() < 0.2 THEN '2024-01-20'::timestamptz END;
    size_ := 1 + floor(199 * power(random(), 4));
    reference := answer('sql', expression, group_, since_, size_);
    IF answer('posting', expression, group_, since_, size_) IS DISTINCT FROM reference THEN
      different := format('%s (event_group %s, since %s, page_size %s)', expression, group_, since_, size_);
      RETURN;
    END IF;
    IF random() < 0.1 THEN
      by_posting := by_posting + (SELECT count(*) FROM audit_explain(filter => expression) WHERE (name, value) = ('engine', 'posting'));
      explained := explained + 1;
    END IF;
    events := events + json_array_length(reference::json -> 'items');
    with_some := with_some + (json_array_length(reference::json -> 'items') > 0)::int;
  END LOOP;
END $$;
"""


@pytest.fixture(scope="module")
def database():
    random_ = random.Random(SEED)
    with temporary_database() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SELECT audit_create_partition('2024-01-01', '2024-02-01'), audit_create_partition('2024-02-01', '2024-03-01')")
        for half in range(2):
            events = [random_event(random_, half * EVENTS // 2 + n) for n in range(EVENTS // 2)]
            columns = sorted({column for event in events for column in event})
            types = dict(database.execute("""SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
                                             WHERE attrelid = 'audit_events'::regclass AND attnum > 0"""))
            for event in events:
                names = [column for column in columns if event.get(column) is not None]
                values = ", ".join(f"%s::{types[name]}" for name in names)
                database.execute(f"INSERT INTO audit_events ({', '.join(names)}) VALUES ({values})", [str(event[name]) for name in names])
            if half == 0:  # the other half stays in the pending lists
                database.execute("SELECT gin_clean_pending_list(indexrelid) FROM pg_index, pg_class c, pg_am a "
                                 "WHERE c.oid = indexrelid AND a.oid = c.relam AND amname = 'gin'")
        database.execute(_COMPARE)
        yield database


def test_same_bytes(database):
    print(f"\nAUDIT_FILTER_SEED={SEED} AUDIT_FILTER_COMPARISONS={COMPARISONS}")
    random_ = random.Random(SEED + 1)
    totals = [0, 0, 0, 0]
    for done in range(0, COMPARISONS, 100):
        expressions = [random_expression(random_, random_.choice((1, 1, 1, 2, 2, 3, 5, 8, 64))) for _ in range(100)]
        different, *counts = database.execute("SELECT * FROM compare_filters(%s)", (expressions,))[0]
        assert different is None, (SEED, done, different)
        totals = [total + count for total, count in zip(totals, counts)]
    events, by_posting, explained, with_some = totals
    print(f"{COMPARISONS} filters compared; {events} events; {with_some} filters found some")
    assert by_posting == explained > 0
    assert with_some > COMPARISONS / 4


def test_negation_is_the_rest(database):
    """Each event matches a filter or its negation, never both."""
    random_ = random.Random(SEED + 2)
    everything = {event["id"] + event["created_at"] for event in _all_items(database, None)}
    for _ in range(50):
        expression = random_expression(random_, random_.choice((1, 2, 5)))
        matching = [event["id"] + event["created_at"] for event in _all_items(database, expression)]
        others = [event["id"] + event["created_at"] for event in _all_items(database, f"not ({expression})")]
        assert sorted([*matching, *others]) == sorted(everything), (SEED, expression)


def _all_items(database, expression):
    """All pages: the cursor belongs to the filter."""
    items, cursor = [], None
    while True:
        page = database.execute("SELECT audit_list_json(filter => %s, cursor => %s, page_size => 40)", (expression, cursor))[0][0]
        page = page if isinstance(page, dict) else json.loads(page)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
