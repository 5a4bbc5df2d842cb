# GET /v1/audit/events/{event_id}
import uuid

import pytest

from contract import check_event, check_invalid
from events import exact_json, select_event, select_ids
from http_client import EVENTS


def test_each_event(client, key, database):
    for event_id in select_ids(database)[::17]:
        answer = client.get(f"{EVENTS}/{event_id}", key)
        assert answer.status == 200
        check_event(answer.json())
        assert exact_json(answer.text) == select_event(database, event_id)


def test_headers(client, key, database):
    answer = client.get(f"{EVENTS}/{select_ids(database)[0]}", key, headers={"X-Request-ID": "my-request"})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Request-ID"] == "my-request"


def test_upper_case_is_the_same_id(client, key, database):
    event_id = select_ids(database)[0]
    assert client.get(f"{EVENTS}/{event_id.upper()}", key).json()["id"] == event_id


def test_query_string_does_not_matter(client, key, database):
    event_id = select_ids(database)[0]
    assert client.get(f"{EVENTS}/{event_id}?limit=0&x=y", key).json()["id"] == event_id


@pytest.mark.parametrize("event_id", [str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1)),
                                      "018df0c8-0000-7000-8000-000000000000"])
def test_no_such_event(client, key, event_id):
    answer = client.get(f"{EVENTS}/{event_id}", key)
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("text", ["x", "1", "018df0c8-0000-7000-8000-00000000000",
                                  "018df0c8-0000-7000-8000-0000000000000",
                                  "018df0c8-0000-7000-8000-00000000000g", "%00", "%ff", "018df0c8%2d0000", "null",
                                  "018df0c8-0000-7000-8000-000000000000%00", "%20018df0c8-0000-7000-8000-000000000000",
                                  "018df0c8_0000_7000_8000_000000000000", "'%3B--", "a" * 2000, "%D9%A0", "-" * 36,
                                  "018df0c8-0000-7000-8000-000000000000x", "0-18df0c80000700080000000000000000-"])
def test_what_is_no_id(client, auth, text):
    answer = client.send(f"{EVENTS}/{text}", headers=auth)
    if answer.status == 400 and "%00" in text:  # libmicrohttpd refuses it by itself in later versions
        assert answer.json() == {"detail": "Bad Request"}
        return
    detail = check_invalid(answer)
    assert len(detail) == 1
    assert detail[0]["loc"] == ["path", "event_id"]
    assert detail[0]["type"].startswith("uuid") or detail[0]["type"] == "string_unicode"
