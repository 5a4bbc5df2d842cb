# Properties of audit_list and audit_list_json against plain SELECT ... ORDER BY, on random data and filters.
#   AUDIT_PROPERTY_SEED    repeats a run (each run prints its seed)
#   AUDIT_PROPERTY_EVENTS  how many events there are
#   AUDIT_PROPERTY_WALKS   how many lists are walked to their end
import contextlib
import datetime
import json
import os
import random
import threading
import uuid
from decimal import Decimal

import psycopg2
import pytest
from psycopg2 import sql

from database import COLUMNS
from events import EQUALITY_FILTERS, exact_json, select_event

SEED = int(os.environ.get("AUDIT_PROPERTY_SEED", random.SystemRandom().randrange(2**32)))
EVENTS = int(os.environ.get("AUDIT_PROPERTY_EVENTS", 3000))
WALKS = int(os.environ.get("AUDIT_PROPERTY_WALKS", 150))

START = datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)
# Few times, so that ties are long, and some a microsecond from the next.
TIMES = [START + datetime.timedelta(seconds=number // 3, microseconds=number % 3) for number in range(60)]

# Values that a careless fingerprint, query text or comparison would take for one another, or for "no filter".
VALUES = {
    "event_group": ("auth", "Auth", "auth ", "aut", "a"),
    "event_type": ("login", "", "'", "NULL", "$1", "logi\u0144"),
    "status": ("success", "failure", "%", "_", "\\"),
    "user_id": (0, 1, -1, 10, 2**63 - 1, -2**63, None),
    "vm_id": ("vm", "vmvm", "", "🙂", None, None),
    "session_id": ("1", "-1", "true", "vm", "\n", None),
    "actor_type": ("user", "User", ""),
    "actor_id": ("user", "1", None),
    "source": ("api", "user", "$1"),
    "resource_type": ("vm", "", None),
    "ip_address": ("10.0.0.1", "10.0.0.0/8", "10.0.0.0/31", "::ffff:10.0.0.1", "::a00:1", None),
    "resource_id": ("vm", "1", None),
    "request_id": ("1", "vm", None),
    "correlation_id": ("1", "vm", None),
    "task_id": (0, 1, -1, 2**63 - 1, None),
}


_MISSES = {"user_id": [], "task_id": [], "ip_address": ["192.0.2.0/24", "0.0.0.0/0"]}


@pytest.fixture(scope="module", autouse=True)
def seed():
    print(f"\nAUDIT_PROPERTY_SEED={SEED} AUDIT_PROPERTY_EVENTS={EVENTS} AUDIT_PROPERTY_WALKS={WALKS}")


def random_event(random_):
    event = {name: random_.choice(values) for name, values in VALUES.items()}
    return {"id": str(uuid.UUID(int=random_.getrandbits(128))), "created_at": random_.choice(TIMES), **event}


@pytest.fixture(scope="module")
def events(database):
    """In the default partition and two others, which meet each other and it a microsecond from the next tie."""
    random_ = random.Random(SEED)
    for first, last in ((15, 30), (30, 37)):
        database.call("audit_create_partition", TIMES[first], TIMES[last])
    database.insert(random_event(random_) for _ in range(EVENTS))


def random_filters(random_):
    """Each walk filters by none to all columns, and sometimes by time."""
    count = random_.choice((0, 1, 1, 2, 2, 3, 6, 15))
    filters = {}
    for name in random_.sample(EQUALITY_FILTERS, count):
        filters[name] = random_.choice([value for value in VALUES[name] if value is not None] + _MISSES.get(name, ["none"]))
    if random_.random() < 0.3:
        filters["since"] = random_.choice(TIMES) + datetime.timedelta(microseconds=random_.choice((0, 1)))
    if random_.random() < 0.3:
        filters["until"] = random_.choice(TIMES) + datetime.timedelta(microseconds=random_.choice((0, 1)))
    return filters


def named_arguments(filters):
    """Every literal by name, so that any mix of them can be given."""
    casts = {"user_id": "bigint", "task_id": "bigint", "ip_address": "inet", "since": "timestamptz", "until": "timestamptz", "page_size": "integer"}
    parts = [sql.SQL("{} => (%s)::{}").format(sql.Identifier(name), sql.SQL(casts.get(name, "text")))
             for name in filters]
    return sql.SQL(", ").join(parts), tuple(filters.values())


def page(session, page_size, cursor, filters, random_):
    """One page of audit_list: [(created_at, id)] and the next cursor."""
    given = {**filters, "page_size": page_size}
    # A NULL argument and one left out are the same.
    if cursor is not None or random_.random() < 0.5:
        given["cursor"] = cursor
    for name in EQUALITY_FILTERS:
        if name not in given and random_.random() < 0.2:
            given[name] = None
    arguments, values = named_arguments(given)
    session.execute(sql.SQL("SELECT created_at, id::text, next_cursor FROM audit_list({})").format(arguments), values)
    rows = session.fetchall()
    cursors = {row[2] for row in rows}
    assert len(cursors) <= 1, "one page, several cursors"
    return [row[:2] for row in rows], cursors.pop() if cursors else None


def walk(session, page_sizes, filters, random_):
    """Pages to the end; asserts what holds for every page."""
    rows, cursor = [], None
    while True:
        size = random_.choice(page_sizes)
        part, cursor = page(session, size, cursor, filters, random_)
        assert len(part) == size if cursor is not None else len(part) <= size
        rows += part
        if cursor is None:
            return rows


def select(session, filters):
    """The reference: plain SQL that shares nothing with the extension."""
    operators = {"since": ("created_at", ">="), "until": ("created_at", "<"), "ip_address": ("ip_address", "<<=")}
    conditions = [sql.SQL("{} {} %s").format(sql.Identifier(operators.get(name, (name, "="))[0]),
                                             sql.SQL(operators.get(name, (name, "="))[1])) for name in filters]
    session.execute(sql.SQL("SELECT created_at, id::text FROM audit_events WHERE {} ORDER BY created_at DESC, id DESC")
                    .format(sql.SQL(" AND ").join([sql.SQL("true"), *conditions])), tuple(filters.values()))
    return session.fetchall()


PAGE_SIZES = ([1, 2, 3], [1, 200], [7], [50], [199, 200], [200])


def choose_page_sizes(random_, count):
    """Small pages only for short lists: a walk of 3,000 pages shows no more than one of 100."""
    sizes = random_.choice(PAGE_SIZES)
    return sizes if count < 100 * min(sizes) else [50, 199, 200]


def test_walks_equal_plain_select(database, events):
    random_ = random.Random(SEED + 1)
    found = 0
    with database.connection.cursor() as session:
        for number in range(WALKS):
            filters = random_filters(random_)
            expected = select(session, filters)
            found += bool(expected)
            sizes = choose_page_sizes(random_, len(expected))
            assert walk(session, sizes, filters, random_) == expected, (number, filters, sizes)
    assert found > WALKS / 3, "most filters found nothing"


def test_walks_in_one_transaction_see_one_snapshot(database, events):
    random_ = random.Random(SEED + 2)
    with contextlib.closing(database.connect()) as connection:
        connection.autocommit = False
        with connection.cursor() as session:
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            expected = select(session, {})
            database.insert(random_event(random_) for _ in range(50))
            assert walk(session, [200], {}, random_) == expected


@contextlib.contextmanager
def inserting(database, sessions=3):
    """Others insert (back-dated, in ties, in transactions that stay open, some rolled back) until the end."""
    stop = threading.Event()
    counts = [0] * sessions

    def run(number):
        random_ = random.Random(SEED + 100 + number)
        with contextlib.closing(database.connect()) as connection:
            connection.autocommit = False
            while not stop.is_set():
                with connection.cursor() as session:
                    for _ in range(random_.choice((1, 1, 4, 20))):
                        event = random_event(random_)
                        names = sql.SQL(", ").join(map(sql.Identifier, event))
                        session.execute(sql.SQL("INSERT INTO audit_events ({}) VALUES ({})").format(
                            names, sql.SQL(", ").join([sql.Placeholder()] * len(event))), tuple(event.values()))
                        counts[number] += 1
                connection.commit() if random_.random() < 0.9 else connection.rollback()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(sessions)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: sum(counts)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_walks_while_others_insert(database, events):
    random_ = random.Random(SEED + 3)
    with inserting(database) as count, database.connection.cursor() as session:
        for number in range(max(10, WALKS // 8)):
            filters = random_filters(random_) if number % 3 else {}
            before = set(select(session, filters))
            already = count()
            rows = walk(session, choose_page_sizes(random_, len(before)), filters, random_)
            assert len(rows) == len(set(rows)), ("twice", filters)
            assert before <= set(rows), ("left out", filters, len(before - set(rows)))
            assert rows == sorted(rows, reverse=True), ("order", filters)
            assert set(rows) <= set(select(session, filters)), ("not committed", filters)
            assert filters or count() > already, "no session inserted meanwhile"


def test_json_is_the_same_page(database, events):
    """audit_list_json returns what audit_list does: same ids, same cursor; and cursors of one work with the other."""
    random_ = random.Random(SEED + 4)
    with database.connection.cursor() as session:
        for _ in range(WALKS // 3):
            filters = random_filters(random_)
            size = random_.choice((1, 5, 50, 200))
            cursor = None
            for _ in range(3):
                rows, following = page(session, size, cursor, filters, random_)
                arguments, values = named_arguments({**filters, "cursor": cursor, "page_size": size})
                session.execute(sql.SQL("SELECT audit_list_json({})::text").format(arguments), values)
                body = json.loads(session.fetchone()[0])
                assert list(body) == ["items", "next_cursor"]
                assert [event["id"] for event in body["items"]] == [row[1] for row in rows]
                assert body["next_cursor"] == following
                cursor = following
                if cursor is None:
                    break


# Pages that end by the size of their events

def large_event(random_):
    """Of sizes around a few kB, in forms whose JSON is much larger or smaller than what is stored."""
    size = random_.choice((0, 10, 500, 1500, 2900, 3000, 3100, 6000, 30000))
    texts = {"error_message": random_.choice(("x", "\u0001", "\"", "\U0001f642")) * size,
             "event_payload": random_.choice((json.dumps("\u0001" * size), json.dumps([1] * (size // 3)),
                                              "[" + ",".join(["1e900"] * (size // 900)) + "]", json.dumps("x" * size)))}
    name = random_.choice(tuple(texts))
    return {**random_event(random_), name: texts[name]}


def test_large_events_come_once_and_pages_end_at_the_same_event(database, events):
    random_ = random.Random(SEED + 5)
    with contextlib.closing(database.connect()) as connection, connection.cursor() as session:
        # In a transaction that is rolled back: the other tests count on what there is.
        connection.autocommit = False
        session.execute("SET LOCAL audit_ext.max_page_size = '20kB'")
        for _ in range(150):
            event = large_event(random_)
            session.execute(sql.SQL("INSERT INTO audit_events ({}) VALUES ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, event)), sql.SQL(", ").join([sql.Placeholder()] * len(event))),
                tuple(event.values()))
        for number in range(max(3, WALKS // 20)):
            filters = random_filters(random_) if number > 0 else {}
            size = random_.choice((1, 7, 50, 200)) if number > 0 else 200
            assert walk_by_size(session, size, filters, random_, 20 * 1024) == select(session, filters), (number, filters)
        connection.rollback()


def walk_by_size(session, size, filters, random_, limit_bytes):
    """Pages to the end; each is the same in both forms and from both engines, and as large as it may be."""
    rows, cursor, earlier_bytes = [], None, None
    while True:
        arguments, values = named_arguments({**filters, "cursor": cursor, "page_size": size})
        session.execute("SET LOCAL audit_ext.engine = posting")
        session.execute(sql.SQL("SELECT audit_list_json({})::text").format(arguments), values)
        text = session.fetchone()[0]
        for engine in ("sql", "posting"):
            session.execute(sql.SQL("SET LOCAL audit_ext.engine = {}").format(sql.Identifier(engine)))
            part, following = page(session, size, cursor, filters, random_)
            assert [row[1] for row in part] == [event["id"] for event in json.loads(text)["items"]]
            assert (json.loads(text)["next_cursor"]) == following
        session.execute(sql.SQL("SELECT audit_list_json({})::text").format(arguments), values)
        assert session.fetchone()[0] == text
        session.execute("SELECT array_agg(octet_length(audit_get_json(i)::text)) FROM unnest(%s::uuid[]) i",
                        ([row[1] for row in part],))
        sizes = session.fetchone()[0] or []
        assert sum(sizes) <= limit_bytes or len(sizes) == 1
        if earlier_bytes is not None and sizes:
            assert earlier_bytes + sizes[0] > limit_bytes, "the page before ended too early"
        earlier_bytes = sum(sizes) if len(sizes) < size else None
        rows += part
        cursor = following
        if cursor is None:
            return rows


# Every value of every type, as a row and as JSON

CHARACTERS = [chr(code) for code in range(1, 0x100)] + [
    "\u0100", "\u07ff", "\u0800", "\u2028", "\u2029", "\u202e", "\ud7ff", "\ue000", "\ufeff", "\ufffd", "\ufffe",
    "\uffff",
    "\U00010000", "\U0001f642", "\U0010ffff", "e\u0301", "\U0001f469\u200d\U0001f469", "\\u0041", "\\", "\"",
    "</script>"]

NUMBERS = (0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, 1e15, 1e16, 1e17, 123456789012345680.0, 1e21, 1e22, 1e23, 5e-324,
           2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 1e-5, 1e-4, 0.3, 2**53 + 0.0,
           100.0)

PAYLOADS = ('null', 'true', 'false', '0', '-0', '""', '[]', '{}', '"\\u00e9\\ud83d\\ude42"', '1e400', '-1e-400',
            '123456789012345678901234567890.123456789', '1.0', '1.10', '1E5', '[[[[[[]]]]]]',
            '{"a": {"b": {"c": null}}}',
            '{"b": 1, "a": 2, "aa": 3, "": 4}', '"\\u0001\\u001f\\u007f\\u2028"', '{"\\n\\t\\"\\\\": "\\b\\f"}',
            '[1, "1", true, null, 1.5, {}]', '"' + "x" * 20000 + '"', '[' * 64 + ']' * 64,
            json.dumps(list(range(2000))), json.dumps({f"key {n}": "v" * (n % 50) for n in range(500)}))

TIMES_OF_NOTE = ("1970-01-01 00:00:00+00", "1970-01-01 00:00:00.000001+00", "1999-12-31 23:59:59.999999+00",
                 "2000-01-01 00:00:00+00", "2000-01-01 00:00:00.000001+00", "2000-02-29 00:00:00.5+00",
                 "2038-01-19 03:14:08+00", "2100-02-28 23:59:59+00",
                 "2016-12-31 23:59:60+00", "9999-12-31 23:59:59.999999+00", "2024-06-30 12:00:00.123456+05:45")

ADDRESSES = ("0.0.0.0", "255.255.255.255", "10.0.0.0/8", "192.0.2.1/31", "::", "::1", "2001:db8::/32", "fe80::1",
             "::ffff:192.0.2.1", "2001:db8:0:1:1:1:1:1", "1:2:3:4:5:6:7:8/127", "64:ff9b::192.0.2.33")

TEXT_COLUMNS = [name for name in COLUMNS if name not in (
    "id", "created_at", "user_id", "task_id", "http_status", "latency_ms", "ip_address", "node_ip", "event_payload")]
REQUIRED = ("actor_type", "source", "event_group", "event_type", "status")


def odd_text(random_, length):
    return "".join(random_.choice(CHARACTERS) for _ in range(length))


def odd_events(random_):
    """Each listed value at least once, the other columns at random."""
    count = max(len(PAYLOADS), len(NUMBERS), len(TIMES_OF_NOTE), len(ADDRESSES), 40)
    for number in range(count):
        event = {"id": str(uuid.UUID(int=random_.choice((random_.getrandbits(128), number, 2**128 - 1 - number)))),
                 "created_at": TIMES_OF_NOTE[number % len(TIMES_OF_NOTE)],
                 "user_id": random_.choice((None, 0, 2**63 - 1, -2**63, 2**53 + 1)),
                 "task_id": random_.choice((None, 0, 2**63 - 1, -2**63)),
                 "http_status": random_.choice((None, 0, 200, 2**31 - 1, -2**31)),
                 "latency_ms": str(NUMBERS[number % len(NUMBERS)]),
                 "ip_address": ADDRESSES[number % len(ADDRESSES)],
                 "node_ip": random_.choice((None, *ADDRESSES)),
                 "event_payload": PAYLOADS[number % len(PAYLOADS)]}
        for name in TEXT_COLUMNS:
            nothing = random_.random() < 0.2 and name not in REQUIRED
            event[name] = None if nothing else odd_text(random_, random_.choice((0, 1, 2, 5, 40)))
        yield event
    # Every character once, and texts that are stored out of line or compressed.
    for text in ("".join(CHARACTERS), odd_text(random_, 30000), "x" * 100000, "\u0001" * 20000, "🙂" * 5000,
                 "\"" * 5000):
        yield {"event_group": "odd", "event_type": text[:500], "status": "success", "error_message": text, "path": text,
               "event_payload": json.dumps({"text": text})}


@pytest.fixture(scope="module")
def odd(database):
    """Returns how many there are. Their `worker_id` distinguishes them from the others."""
    random_ = random.Random(SEED + 5)
    added = list(odd_events(random_))
    for event in added:
        event["session_id"] = "odd values"
        database.insert([event])
    return len(added)


def odd_page(database):
    return database.execute("SELECT audit_list_json(session_id => 'odd values', page_size => 200)::text")[0][0]


def test_every_value_as_json(database, odd):
    """Field by field against what SQL says of the row, with numbers compared as decimals and members in order."""
    items = dict(exact_json(odd_page(database)))["items"]
    assert len(items) == odd
    for item in items:
        assert item == select_event(database, dict(item)["id"])


def test_json_is_canonical_utf8(database, odd):
    """PostgreSQL takes it as json and jsonb, and only what must be escaped is."""
    text = odd_page(database)
    assert database.execute("SELECT (%s::text)::jsonb IS NOT NULL", (text,)) == [(True,)]
    assert not any(character < " " for character in text), "a control character that is not escaped"
    assert "🙂" in text


def test_numbers_are_shortest(database, odd):
    """A double is written with as many digits as it takes to read it back, as PostgreSQL writes it."""
    written = [dict(item)["latency_ms"] for item in dict(exact_json(odd_page(database)))["items"]]
    for number in NUMBERS:
        assert any(value is not None and value == Decimal(repr(number)) for value in written), number


def test_rows_have_the_values_of_the_table(database, odd):
    """audit_list returns the stored values themselves, 26 columns and the cursor."""
    table = {row["id"]: row for row in database.rows("SELECT * FROM audit_events WHERE session_id = 'odd values'")}
    rows = database.rows("SELECT * FROM audit_list(session_id => 'odd values', page_size => 200)")
    assert len(rows) == odd
    for row in rows:
        assert list(row) == [*COLUMNS, "next_cursor"]
        assert row.pop("next_cursor") is None
        assert row == {name: table[row["id"]][name] for name in COLUMNS}


def test_single_events(database, odd):
    for (event_id,) in database.execute("SELECT id::text FROM audit_events WHERE session_id = 'odd values'"):
        text = database.execute("SELECT audit_get_json(%s)::text", (event_id,))[0][0]
        assert exact_json(text) == select_event(database, event_id)
        rows = database.rows("SELECT * FROM audit_get(%s)", (event_id,))
        assert rows == database.rows("SELECT * FROM audit_events WHERE id = %s", (event_id,))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_latency_that_is_no_number_is_null_in_json(database, value):
    """JSON has no such numbers. The row keeps it."""
    database.insert([{"event_group": value, "event_type": "t", "status": "s", "latency_ms": value}])
    body = dict(exact_json(database.execute("SELECT audit_list_json(%s)::text", (value,))[0][0]))
    assert [dict(item)["latency_ms"] for item in body["items"]] == [None]
    assert database.execute("SELECT latency_ms = %s FROM audit_list(%s)", (value, value)) == [(True,)]


REFUSED = [("created_at", "infinity"), ("created_at", "-infinity"), ("created_at", "10000-01-01 00:00:00+00"),
           ("created_at", "1969-12-31 23:59:59.999999+00"), ("created_at", "0001-12-31 23:59:59+00 BC"),
           ("event_group", None), ("event_type", None), ("status", None), ("actor_type", None), ("source", None),
           ("created_at", None)]


@pytest.mark.parametrize("column, value", REFUSED)
def test_what_the_contract_cannot_say_is_not_stored(database, column, value):
    event = {"event_group": "g", "event_type": "t", "status": "s", column: value}
    with pytest.raises((psycopg2.errors.CheckViolation, psycopg2.errors.NotNullViolation,
                        psycopg2.errors.DatetimeFieldOverflow)):
        database.insert([event])


@pytest.mark.parametrize("changes, constraint", [
    ({"page_size": 0}, "page_size"), ({"page_size": 201}, "page_size"), ({"page_size": -1}, "page_size"),
    ({"page_size": 2**31 - 1}, "page_size"), ({"cursor": ""}, "cursor_invalid"), ({"cursor": "x"}, "cursor_invalid"),
    ({"cursor": "A" * 100000}, "cursor_invalid"),
])
@pytest.mark.parametrize("function", ["audit_list", "audit_list_json"])
def test_wrong_arguments(database, function, changes, constraint):
    arguments, values = named_arguments(changes)
    with pytest.raises(psycopg2.errors.InvalidParameterValue) as caught, database.connection.cursor() as session:
        session.execute(sql.SQL("SELECT {}({})").format(sql.Identifier(function), arguments), values)
    assert caught.value.diag.constraint_name == constraint
    assert caught.value.diag.message_detail and caught.value.diag.message_hint


def test_cursor_of_other_filters(database, events):
    """For random pairs of filters: the cursor of one is good for the other only if they are equal."""
    random_ = random.Random(SEED + 6)
    pairs = 0
    with database.connection.cursor() as session:
        while pairs < WALKS // 3:
            first, second = random_filters(random_), random_filters(random_)
            _rows, cursor = page(session, 1, None, first, random_)
            if cursor is None or first == second:
                continue
            pairs += 1
            with pytest.raises(psycopg2.errors.InvalidParameterValue) as caught:
                page(session, 1, cursor, second, random_)
            assert caught.value.diag.constraint_name == "cursor_mismatch", (first, second)


def test_deterministic(database, events):
    """Same data, same arguments: same bytes, in another session and with other settings too."""
    random_ = random.Random(SEED + 7)
    with contextlib.closing(database.connect()) as other, other.cursor() as second:
        second.execute("SET DateStyle = 'German, DMY'; SET TimeZone = 'Asia/Kathmandu'; SET extra_float_digits = -5;"
                       " SET IntervalStyle = 'sql_standard'; SET bytea_output = 'escape'; SET xmlbinary = hex;"
                       " SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_sort = off;"
                       " SET standard_conforming_strings = off; SET lc_numeric = 'C'; SET backslash_quote = off")
        with database.connection.cursor() as first:
            for _ in range(20):
                filters = random_filters(random_)
                arguments, values = named_arguments(filters)
                texts = []
                for session in (first, second):
                    session.execute(sql.SQL("SELECT audit_list_json({})::text").format(arguments), values)
                    texts.append(session.fetchone()[0])
                assert texts[0] == texts[1]
