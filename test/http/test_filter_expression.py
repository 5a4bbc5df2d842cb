# The parameter `filter`: what it finds beside the others, what is refused with its place, and that it never finds more.
import json

import pytest

from contract import check_invalid
from http_client import EVENTS


def ids_of(database, condition):
    return [str(row[0]) for row in database.execute(f"SELECT id FROM audit_events WHERE {condition} ORDER BY created_at DESC, id DESC")]


def walked_ids(client, key, **parameters):
    """Over all pages, by the cursor."""
    ids, cursor = [], None
    while True:
        page = client.list(key, **parameters, **({"cursor": cursor} if cursor else {}))
        assert page.status == 200, page.body
        ids += page.ids
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return ids


@pytest.mark.parametrize("expression, condition", [
    ('status eq "failure" or status eq "denied"', "status IN ('failure', 'denied')"),
    ('event_type sw "vm." and not (status eq "success")', "event_type LIKE 'vm.%' AND status <> 'success'"),
    ("user_id eq null", "user_id IS NULL"),
    ("user_id ne 5", "user_id IS DISTINCT FROM 5"),
    ('status eq "é" or event_type co "日本"', "status = 'é' OR event_type LIKE '%日本%'"),
    ('status eq "\\u00e9"', "status = 'é'"),
    ('event_payload.nested.list eq 2.5', "event_payload @> '{\"nested\": {\"list\": [2.5]}}'"),
    ('event_payload."".duplicate eq 1', "event_payload #> '{\"\",duplicate}' = '1'"),
    ('created_at ge "2024-02-29T00:00:00Z" and (user_id lt 0 or user_id gt 100)', "created_at >= '2024-02-29Z' AND (user_id < 0 OR user_id > 100)"),
])
def test_what_is_found(client, key, database, expression, condition):
    expected = ids_of(database, condition)
    assert expected
    assert walked_ids(client, key, filter=expression, limit=50) == expected


def test_all_parameters_must_hold(client, key, database):
    answer = client.list(key, event_group="auth", filter='status eq "failure" or user_id pr', since="2024-02-29T00:00:00Z", limit=200)
    assert answer.ids == ids_of(database, "event_group = 'auth' AND (status = 'failure' OR user_id IS NOT NULL) AND created_at >= '2024-02-29Z'")[:200]


@pytest.mark.parametrize("expression, place", [
    ("", 1), (" ", 2), ("user eq 1", 1), ("user_id == 1", 9), ("user_id co 1", 9), ('user_id eq "1"', 12), ('status eq "x', 13), ("status eq 'x'", 11),
    ("user_id pr or", 14), ("user_id pr)", 11), ("(user_id pr", 12), ('emails[type eq "work"]', 1), ('created_at gt "2024-02-29"', 15), ("(" * 17, 17),
    ("user_id pr or " * 64 + "user_id pr", 897), ("user_id pr" + " " * 4087, 4097), ("event_payload.a gt null", 20), ("status eq \"\\u0000\"", 18),
])
def test_what_is_refused(client, key, expression, place):
    error, = check_invalid(client.list(key, filter=expression))
    assert (error["loc"], error["type"]) == (["query", "filter"], "filter_invalid")
    assert error["msg"].startswith(f"Filter is not valid at byte {place}: ")


@pytest.mark.parametrize("query, kind", [("filter=user_id+eq+%22%ff%22", "string_unicode"), ("filter=status+eq+%22%00%22", "string_unicode"), ("filter", "filter_invalid")])
def test_bytes_that_are_no_text(client, key, query, kind):
    error, = check_invalid(client.get(f"{EVENTS}?{query}", key))
    assert (error["loc"], error["type"]) == (["query", "filter"], kind)


def test_the_last_one_counts(client, key, database):
    answer = client.get(f"{EVENTS}?filter=nonsense&filter=user_id+eq+5&limit=200", key)
    assert answer.status == 200
    assert [event["user_id"] for event in answer.json()["items"]] == [5] * len(ids_of(database, "user_id = 5"))


def test_the_longest_filter(client, key):
    assert client.list(key, filter=" or ".join(f"user_id eq {number}" for number in range(64))).status == 200
    assert client.list(key, filter='status eq "' + "x" * 4084 + '"').json()["items"] == []
    error, = check_invalid(client.list(key, filter='status eq "' + "x" * 4085 + '"'))
    assert error["msg"] == "Filter is not valid at byte 4097: more than 4096 bytes"


def test_a_cursor_belongs_to_the_text(client, key):
    cursor = client.list(key, filter="user_id pr", limit=2).json()["next_cursor"]
    assert client.list(key, filter="user_id pr", limit=2, cursor=cursor).status == 200
    for other in ({"filter": "user_id  pr"}, {"filter": "USER_ID pr"}, {}):
        error, = check_invalid(client.list(key, cursor=cursor, **other))
        assert error["type"] == "cursor_mismatch"


def test_link_to_the_next_page(client, key):
    answer = client.list(key, filter='status ne "<&>,;=\\"" and user_id pr', limit=2)
    link = answer.headers["Link"]
    target = link[link.index("<") + 1:link.index(">")]
    following = client.get(target, key)
    assert following.status == 200 and following.json()["items"]
    assert json.dumps(answer.json()["items"]) != json.dumps(following.json()["items"])


def test_too_many_rows_to_check(start_daemon, secret_file, database):
    """The bound is the database's; the answer says what to add."""
    database.execute(f'ALTER ROLE "{database.frontend}" SET audit_ext.filter_rows_max = 10')
    try:
        service = start_daemon(database=database.conninfo(), token_secret_file=secret_file)
        error, = check_invalid(service.client.list(database.create_api_key("too many rows"), filter="event_payload.none pr"))
        assert (error["loc"], error["type"]) == (["query", "filter"], "filter_rows_max")
        assert "since" in error["msg"]
    finally:
        database.execute(f'ALTER ROLE "{database.frontend}" RESET audit_ext.filter_rows_max')
