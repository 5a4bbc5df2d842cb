# Events that are small to send and large to read. What comes in has a bound, at every way in. A large event that is there
# keeps no reader from the events around it.
import io
import json
import re

import psycopg2
import pytest

from http_client import EVENTS

MB = 1024 * 1024


def numbers(count, number="1e131071"):
    return "[" + ",".join([number] * count) + "]"


def nested(depth, opening="[", closing="]"):
    """Arrays and objects mixed where `opening` has both."""
    pairs = [(opening[i % len(opening)], closing[i % len(closing)]) for i in range(depth)]
    text = "".join('{"a":' if o == "{" else o for o, _ in pairs[:-1])
    last = pairs[-1]
    return text + last[0] + last[1] + "".join(c for _, c in reversed(pairs[:-1]))


TOO_MUCH = {  # name: (event_payload, SQLSTATE, type)
    "exponent bomb": (numbers(8300), "22003", "number_too_long"),
    "one large number": ("1e1000", "22003", "number_too_long"),
    "a large negative number": ('{"a":[-1e1000]}', "22003", "number_too_long"),
    "a small number": ('{"a":1e-1000}', "22003", "number_too_long"),
    "the smallest number": ("[1e-16383]", "22003", "number_too_long"),
    "zero with places": ('[0e-16383]', "22003", "number_too_long"),
    "a long number": ("[" + "7" * 1001 + "]", "22003", "number_too_long"),
    "a long fraction": ("[1." + "7" * 1000 + "]", "22003", "number_too_long"),
    "arrays": (nested(65), "54000", "nesting_too_deep"),
    "objects": (nested(65, "{", "}"), "54000", "nesting_too_deep"),
    "both": (nested(65, "[{", "]}"), "54000", "nesting_too_deep"),
    "deep behind much": ("[[]," * 64 + "[]" + "]" * 64, "54000", "nesting_too_deep"),
    "many thousand digits": (numbers(1100, "1e999"), "54000", "event_too_large"),
    "escapes": (json.dumps("\u0001" * 180_000), "54000", "event_too_large"),
    "a huge key": (json.dumps({"\u0001" * 180_000: 1}), "54000", "event_too_large"),
    "much that compresses": (json.dumps("x" * MB), "54000", "event_too_large"),
    "many empty arrays": ("[" + ",".join(["[]"] * 300_000) + "]", "54000", "event_too_large"),
}
ENOUGH = {
    "a large number": "1e999",
    "a negative one": "[-1e999]",
    "a small number": "1e-999",
    "a long number": "[" + "7" * 1000 + "]",
    "a long fraction": "[1." + "7" * 999 + "]",
    "arrays": nested(64),
    "objects": nested(64, "{", "}"),
    "both": nested(64, "[{", "]}"),
    "a lone value": '"a"',
    "numbers": numbers(1000, "1e999"),
    "escapes": json.dumps("\u0001" * 170_000),
    "text": json.dumps("x" * (MB - 1000)),
    "many empty arrays": "[" + ",".join(["[]"] * 200_000) + "]",
}


def by_insert(cursor, payload):
    cursor.execute("INSERT INTO audit_events (event_group, event_type, event_payload) VALUES ('z', 'b', %s)", (payload,))


def by_copy(cursor, payload):
    text = payload.replace("\\", "\\\\")
    cursor.copy_expert("COPY audit_events (event_group, event_type, event_payload) FROM STDIN", io.StringIO(f"z\tb\t{text}\n"))


def by_log(cursor, payload):
    cursor.execute("SELECT audit_log('z', 'b', event_payload => %s)", (payload,))


def by_log_once(cursor, payload):
    cursor.execute("SELECT audit_log('z', 'b', event_payload => %s, id => gen_random_uuid())", (payload,))


def events_text(payload):
    return '[{"event_group":"z","event_type":"a"},{"event_group":"z","event_type":"b","event_payload":' + payload + "}]"


def by_batch(cursor, payload):
    cursor.execute("SELECT count(*) FROM audit_log_batch(%s)", (events_text(payload),))


WAYS = [by_insert, by_copy, by_log, by_log_once, by_batch]


@pytest.mark.parametrize("way", WAYS)
def test_too_much_is_refused_and_nothing_is_recorded(trail, way):
    before = trail.events()
    for name, (payload, sqlstate, _) in TOO_MUCH.items():
        session = trail.session(trail.writer)
        with session.cursor() as cursor, pytest.raises(psycopg2.Error) as raised:
            way(cursor, payload)
        session.close()
        assert raised.value.pgcode == sqlstate, (name, raised.value)
        assert raised.value.diag.column_name == "event_payload", (name, raised.value)
        if way is by_batch:
            assert 'event 1, member "event_payload"' in str(raised.value), name
    assert trail.events() == before


def test_the_columns_that_are_too_large_are_named(trail):
    for column in ("error_message", "user_agent", "path", "actor_id"):
        for text in (f"repeat('x', {MB})", f"repeat(E'\\u0001', {MB // 6})"):
            error = trail.attempt(trail.writer,
                                  f"INSERT INTO audit_events (event_group, event_type, {column}) VALUES ('z', 'b', {text})")
            assert error.pgcode == "54000" and error.diag.column_name == column, error


@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_too_much_is_recorded_and_read_as_it_was(trail, way):
    session = trail.session(trail.writer)
    with session.cursor() as cursor:
        for name, payload in ENOUGH.items():
            way(cursor, payload)
            body = trail.execute("SELECT audit_list_json(event_type => 'b', page_size => 1)::text")[0][0]
            assert len(body) < MB + 100, name
            assert trail.execute("SELECT (%s::json -> 'items' -> 0 -> 'event_payload')::jsonb = %s::jsonb",
                                 (body, payload)) == [(True,)], name
            json.loads(body)
    session.close()


def test_exactly_the_largest(trail):
    """The size that is bounded is that of the JSON, to the byte."""
    session = trail.session(trail.writer)
    with session.cursor() as cursor:
        cursor.execute("SELECT audit_log('z', 'b', created_at => '2026-01-01 00:00:00.123456Z', error_message => 'x')")
        size = trail.execute("SELECT length(audit_get_json(id)::text) FROM audit_events WHERE event_group = 'z'")[0][0]
        add = "SELECT audit_log('z', 'b', created_at => '2026-01-01 00:00:00.123456Z', error_message => repeat('x', %s))"
        cursor.execute(add, (MB - size + 1,))
        with pytest.raises(psycopg2.Error) as raised:
            cursor.execute(add, (MB - size + 2,))
    session.close()
    assert raised.value.pgcode == "54000" and raised.value.diag.column_name == "error_message"
    assert trail.execute("SELECT max(length(audit_get_json(id)::text)) FROM audit_events WHERE event_group = 'z'") == [(MB,)]


def test_only_a_superuser_lifts_the_bounds(trail):
    load = "SELECT audit_id_matches(gen_random_uuid(), now())"
    bomb = f"INSERT INTO audit_events (event_group, event_type, event_payload) VALUES ('z', 'b', '{numbers(10)}')"
    for role in (trail.writer, trail.owner):
        for setting in ("max_event_size = 0", "max_page_size = '256MB'"):
            assert trail.attempt(role, load, f"SET audit_ext.{setting}").pgcode == "42501"
    # Before the library is loaded, any role can set anything.
    assert trail.attempt(trail.writer, "SET audit_ext.max_event_size = 0", bomb).pgcode == "22003"


def test_over_http_too_much_is_422_with_its_place(trail, start_daemon):
    trail.call("audit_grant_writer", trail.frontend)
    key = trail.create_api_key("w", scopes=["audit:write"])
    client = start_daemon(trail).client
    before = trail.events()
    for name, (payload, _, kind) in TOO_MUCH.items():
        answer = client.request("POST", EVENTS, key, headers={"Content-Type": "application/json"}, data=events_text(payload))
        assert answer.status == 422, (name, answer.status, answer.body[:300])
        problem = answer.json()["detail"][0]
        # One that is far too large is not looked into.
        assert problem["loc"] in (["body", 1, "event_payload"], ["body", 1][:2 if kind == "event_too_large" else 0]), (name, problem)
        assert problem["type"] == kind, (name, problem)
    assert trail.events() == before


@pytest.fixture
def old_trail(trail):
    """With events that were recorded before there were bounds: bombs, deep ones, and 200 of 1 MB."""
    trail.execute("SET audit_ext.max_event_size = 0")
    for payload in (numbers(8300), numbers(3000, "-12345e-16000"), nested(3000), '[0e-16383, 1.5e20000, 100e4000]',
                    json.dumps("\u0001" * 3 * MB), "[" + "7" * 5000 + "]"):
        by_insert(trail.connection.cursor(), payload)
    trail.execute("INSERT INTO audit_events (event_group, event_type, error_message)"
                  " SELECT 'z', 'l', repeat('x', 1000000) FROM generate_series(1, 60)")
    trail.execute("RESET audit_ext.max_event_size")
    return trail


def document_ids(page):
    return re.findall('"id":"([^"]*)","created_at"', page)


def walk(trail, function, engine, page_size, **filters):
    """The ids of all pages, a list a page."""
    trail.execute(f"SET audit_ext.engine = {engine}")
    cursor, pages = None, []
    while True:
        named = {"page_size": page_size, "cursor": cursor, **filters}
        arguments = ", ".join(f"{name} => %s" for name in named)
        if function == "audit_list":
            rows = trail.execute(f"SELECT id, next_cursor FROM audit_list({arguments})", tuple(named.values()))
            pages.append([str(id) for id, _ in rows])
            cursor = rows[0][1] if rows else None
        else:
            page = trail.execute(f"SELECT audit_list_json({arguments})::text", tuple(named.values()))[0][0]
            assert len(page) < 16 * MB + 1000 or len(document_ids(page)) == 1
            pages.append(document_ids(page))
            cursor = (re.search('"next_cursor":"([^"]*)"}$', page) or [None, None])[1]
        if cursor is None:
            return pages


def test_old_events_are_read_and_pages_end_early(old_trail):
    expected = [str(row[0]) for row in old_trail.execute("SELECT id FROM audit_events ORDER BY created_at DESC, id DESC")]
    walks = [walk(old_trail, function, engine, 200) for function in ("audit_list", "audit_list_json")
             for engine in ("posting", "sql")]
    assert all(pages == walks[0] for pages in walks)
    assert sum(walks[0], []) == expected
    assert 4 < len(walks[0]) < 10 and all(walks[0])
    explained = dict(old_trail.execute("SELECT * FROM audit_explain(page_size => 200)"))
    assert explained["events"] == str(len(walks[0][0])) and explained["has_more"] == "true"


def test_old_numbers_keep_their_value(old_trail):
    rows = old_trail.execute("SELECT (audit_get_json(id) -> 'event_payload')::text, event_payload ="
                             " (audit_get_json(id) -> 'event_payload')::jsonb FROM audit_events WHERE event_type = 'b'")
    assert len(rows) == 6 and all(same for _, same in rows)
    texts = [text for text, _ in rows]
    assert numbers(8300).replace(",", ", ") in texts and '[0, 15e19999, 1e4002]' in texts
    assert max(len(text) for text in texts) < 25 * MB


def test_a_daemon_serves_old_events(old_trail, start_daemon):
    key = old_trail.create_api_key("r", scopes=["audit:read"])
    client = start_daemon(old_trail).client
    answer = client.list(key, limit=200)
    assert answer.status == 200 and len(answer.body) < 17 * MB
    assert answer.json()["next_cursor"] is not None
    for (id,) in old_trail.execute("SELECT id FROM audit_events WHERE event_type = 'b'"):
        assert client.get(f"{EVENTS}/{id}", key).status == 200
