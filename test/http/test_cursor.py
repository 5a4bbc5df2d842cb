# The cursor: bound to its filters, and refused when it was tampered with.
import base64
import random
from urllib.parse import quote

import pytest

from contract import check_invalid
from events import select_ids
from http_client import EVENTS

FILTERS = {"event_group": "auth", "status": "success", "since": "2024-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def cursor(client, key):
    return client.list(key, limit=5, **FILTERS).json()["next_cursor"]


def assert_refused(answer, kind):
    detail = check_invalid(answer)
    assert [(entry["loc"], entry["type"]) for entry in detail] == [(["query", "cursor"], kind)]
    assert detail[0]["msg"]


def test_cursor_is_opaque_but_safe_in_a_url(cursor):
    assert cursor and all(c.isascii() and (c.isalnum() or c in "-_") for c in cursor)


def test_cursor_is_deterministic(client, key, cursor):
    assert client.list(key, limit=5, **FILTERS).json()["next_cursor"] == cursor


def test_limit_may_change_between_pages(client, key, database, cursor):
    ids = select_ids(database, **FILTERS)
    for limit in (1, 3, 200):
        assert client.list(key, limit=limit, cursor=cursor, **FILTERS).ids == ids[5:5 + limit]


def test_same_instant_in_another_zone_is_the_same_filter(client, key, database, cursor):
    same = {**FILTERS, "since": "2024-01-01T05:45:00.000+05:45"}
    assert client.list(key, limit=3, cursor=cursor, **same).ids == select_ids(database, **FILTERS)[5:8]


OTHER_FILTERS = [
    {},
    {"event_group": "auth"},
    {**FILTERS, "event_group": "compute"},
    {**FILTERS, "status": "failure"},
    {**FILTERS, "status": ""},
    {**FILTERS, "event_type": "login"},
    {**FILTERS, "user_id": 1},
    {**FILTERS, "user_id": 0},
    {**FILTERS, "vm_id": "vm-1"},
    {**FILTERS, "vm_id": ""},
    {**FILTERS, "session_id": "s-1"},
    {**FILTERS, "actor_type": "user"},
    {**FILTERS, "correlation_id": ""},
    {**FILTERS, "task_id": 0},
    {**FILTERS, "ip_address": "192.0.2.1"},
    {**FILTERS, "ip_address": "0.0.0.0/0"},
    {**FILTERS, "since": "2024-01-01T00:00:00.000001Z"},
    {**FILTERS, "until": "2025-01-01T00:00:00Z"},
    {"event_group": "success", "status": "auth", "since": FILTERS["since"]},
    {"event_group": "auth", "status": "success", "until": FILTERS["since"]},
    {"event_type": "auth", "status": "success", "since": FILTERS["since"]},
    {"event_group": "auths", "status": "uccess", "since": FILTERS["since"]},
]


@pytest.mark.parametrize("filters", OTHER_FILTERS, ids=str)
def test_cursor_with_other_filters(client, key, cursor, filters):
    assert_refused(client.list(key, cursor=cursor, **filters), "cursor_mismatch")


@pytest.mark.parametrize("unfiltered", [{"limit": 7}, {}])
def test_cursor_made_without_filters_is_bound_too(client, key, unfiltered):
    cursor = client.list(key, **unfiltered).json()["next_cursor"]
    assert_refused(client.list(key, cursor=cursor, status="success"), "cursor_mismatch")
    assert client.list(key, cursor=cursor).ids


NO_CURSORS = ["", "x", "0", "null", "AAAA", "a" * 37, "a" * 1000, "%00", "%ff%fe", "é", "..", "=", "====", " ",
              "eyJvZmZzZXQiOjUwfQ==", "18446744073709551616", "'; DROP TABLE audit_events; --"]


@pytest.mark.parametrize("text", NO_CURSORS)
def test_what_is_no_cursor(client, auth, text):
    quoted = text if text.startswith("%") else quote(text)
    answer = client.send(f"{EVENTS}?cursor={quoted}", headers=auth)
    detail = check_invalid(answer)
    assert [entry["loc"] for entry in detail] == [["query", "cursor"]]
    assert detail[0]["type"] in (("string_unicode", "cursor_invalid") if text.startswith("%") else ("cursor_invalid",))


def test_every_single_character_change_is_noticed(client, key, cursor):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    random_ = random.Random(1)
    for position, old in enumerate(cursor):
        new = random_.choice(alphabet.replace(old, ""))
        altered = cursor[:position] + new + cursor[position + 1:]
        assert_refused(client.list(key, cursor=altered, **FILTERS), "cursor_invalid")


def test_every_truncation_and_extension_is_noticed(client, key, cursor):
    for altered in [cursor[:length] for length in range(len(cursor))] + [cursor + "A", cursor + "=", "A" + cursor,
                                                                          cursor + cursor, cursor + " ", cursor + "\n"]:
        assert_refused(client.list(key, cursor=altered, **FILTERS), "cursor_invalid")


def test_another_spelling_of_the_same_bytes_is_refused(client, key, cursor):
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    padded = base64.urlsafe_b64encode(data).decode()
    if padded != cursor:
        assert_refused(client.list(key, cursor=padded, **FILTERS), "cursor_invalid")
    standard = base64.b64encode(data).decode().rstrip("=")
    if standard != cursor:
        assert_refused(client.list(key, cursor=standard, **FILTERS), "cursor_invalid")


def test_random_bytes_of_the_right_length(client, key, cursor):
    random_ = random.Random(2)
    size = len(cursor) * 3 // 4
    for _ in range(100):
        text = base64.urlsafe_b64encode(random_.randbytes(size)).decode().rstrip("=")
        assert_refused(client.list(key, cursor=text, **FILTERS), "cursor_invalid")


def test_cursor_belongs_to_filters_not_to_a_caller(client, database, cursor):
    other = database.create_api_key("another reader")
    assert client.list(other, limit=3, cursor=cursor, **FILTERS).ids == select_ids(database, **FILTERS)[5:8]
