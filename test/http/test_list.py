# GET /v1/audit/events: the order and shape of what it returns, its headers, methods and paths.
import json
import re
from urllib.parse import urljoin

import pytest

from contract import CREATED_AT, together, walk
from database import COLUMNS
from events import EQUALITY_FILTERS, exact_json, select_event, select_ids
from http_client import EVENTS, TOKEN, request_bytes


@pytest.mark.parametrize("limit", [1, 2, 6, 7, 8, 50, 99, 200])
def test_walk_with_ties_returns_each_event_once_newest_first(client, key, database, limit):
    filters = {"event_group": "compute"} if limit < 6 else {}
    pages = walk(client, key, limit=limit, **filters)
    assert together(pages) == select_ids(database, **filters)
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


def test_default_limit_is_50(client, key, database):
    assert client.list(key).ids == select_ids(database, limit=50)


@pytest.mark.parametrize("name", EQUALITY_FILTERS)
def test_each_filter_selects_exactly(client, key, database, name):
    values = [row[0] for row in database.execute(f"SELECT DISTINCT {name} FROM audit_events WHERE {name} IS NOT NULL")]
    assert len(values) > 2
    for value in values:
        assert together(walk(client, key, limit=200, **{name: value})) == select_ids(database, **{name: value})
    near_misses = {"user_id": (4,), "task_id": (4,), "ip_address": ("192.0.2.2", "::c000:201", "192.0.2.2/31")}
    for near_miss in near_misses.get(name, ("Login", "login ", "succes", "success%", "vm-_", "4")):
        assert client.list(key, **{name: near_miss}).ids == []


def test_all_filters_together(client, key, database):
    all_given = " AND ".join(f"{name} IS NOT NULL" for name in EQUALITY_FILTERS)
    row = database.rows(f"SELECT * FROM audit_events WHERE {all_given} ORDER BY id LIMIT 1")[0]
    filters = {name: row[name] for name in EQUALITY_FILTERS}
    assert client.list(key, **filters).ids == select_ids(database, **filters) != []
    assert client.list(key, **{**filters, "status": "never"}).ids == []


NETWORKS = ["192.0.2.0/24", "192.0.2.1/32", "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/7", "10.0.0.0/9", "::/0", "2001:db8::/32",
            "2001:DB8:0::/48", "::ffff:0.0.0.0/96", "::ffff:192.0.2.1", "198.51.100.0/24"]


@pytest.mark.parametrize("network", NETWORKS)
def test_network_selects_what_lies_within(client, key, database, network):
    expected = [row[0] for row in database.execute(
        "SELECT id::text FROM audit_events WHERE ip_address <<= %s ORDER BY created_at DESC, id DESC", (network,))]
    assert together(walk(client, key, limit=200, ip_address=network)) == expected
    assert (expected == []) == (network in ("10.0.0.0/9", "198.51.100.0/24"))


def test_empty_result_is_one_last_page(client, key):
    assert client.list(key, vm_id="no such").json() == {"items": [], "next_cursor": None}


def test_exactly_full_last_page_has_no_cursor(client, key, database):
    ids = select_ids(database, status="denied", event_group="auth")
    assert 1 < len(ids) <= 200
    body = client.list(key, status="denied", event_group="auth", limit=len(ids)).json()
    assert [event["id"] for event in body["items"]] == ids
    assert body["next_cursor"] is None


def test_every_field_of_every_event(client, key, database):
    shown = []
    body = {"next_cursor": ""}
    while body["next_cursor"] is not None:
        cursor = {"cursor": body["next_cursor"]} if body["next_cursor"] else {}
        answer = client.list(key, limit=200, **cursor)
        body = answer.json()
        shown += dict(exact_json(answer.text))["items"]
    assert len(shown) == len(select_ids(database))
    for event in shown:
        assert event == select_event(database, dict(event)["id"])
    for name in COLUMNS:  # else a field that is always null would pass
        assert len({repr(dict(event)[name]) for event in shown}) > 1, f"{name} does not vary"


def test_created_at_has_six_digits_or_none(client, key):
    times = [event["created_at"] for event in client.list(key, limit=200).json()["items"]]
    assert all(CREATED_AT.fullmatch(time) for time in times)
    assert any("." in time for time in times) and any("." not in time for time in times)
    assert any(time.endswith(".100000Z") for time in times)


def test_body_is_utf8_json_without_waste(client, key):
    answer = client.list(key, limit=200)
    assert "日本語 🙂" in answer.text, "text is written as it is, not escaped"
    assert json.loads(answer.body) is not None


def test_headers_of_a_page(client, key):
    headers = client.list(key, limit=1).headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "private, no-store"
    assert headers["X-Request-ID"]
    assert re.fullmatch(r'<[^<>"\s]+>; rel="next"', headers["Link"])


@pytest.mark.parametrize("sane", ["abc-123_X.z", "0123456789abcdef0123456789abcdef",
                                  "3f0c2a44-1b5e-4e6e-9d3a-5b1f7f1c9a10"])
def test_sane_request_id_is_returned(client, key, sane):
    assert client.list(key, headers={"X-Request-ID": sane}).headers["X-Request-ID"] == sane


@pytest.mark.parametrize("insane", [b"", b"a" * 1000, b"a b", b"a\tb", b"<script>", b'"', b"\xff\xfe", "é".encode()])
def test_insane_request_id_is_replaced(client, auth, insane):
    answer = client.send(EVENTS, headers={**auth, "X-Request-ID": insane})
    assert answer.status == 200
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer.headers["X-Request-ID"])


def test_made_request_ids_differ(client, key):
    assert len({client.list(key, limit=1).headers["X-Request-ID"] for _ in range(20)}) == 20


LINKED = [
    {"limit": 3},
    {"limit": 2, "status": "a b"},
    {"limit": 2, "status": "é"},
    {"limit": 2, "status": "%zz"},
    {"limit": 2, "status": ""},
    {"limit": 2, "status": "=a"},
    {"limit": 5, "event_type": "<&>,;=\"\\"},
    {"limit": 5, "event_type": "\"';--"},
    {"limit": 5, "event_type": "日本語 🙂"},
    {"limit": 5, "event_type": "a/b?c#d"},
    {"limit": 5, "event_type": "100%"},
    {"limit": 5, "vm_id": "vm&4=5"},
    {"limit": 5, "vm_id": "vm+3"},
    {"limit": 5, "user_id": -5, "session_id": "s 3"},
    {"limit": 5, "since": "2024-02-28T23:10:10.1Z", "until": "2024-02-29T06:15:00+05:45", "event_group": "auth"},
]


@pytest.mark.parametrize("parameters", LINKED, ids=str)
def test_links_lead_to_the_end_with_all_filters(client, key, database, parameters):
    if parameters["limit"] == 3:
        parameters = {**parameters, "event_group": "auth", "status": "failure"}
    limit = parameters["limit"]
    ids = select_ids(database, **{name: value for name, value in parameters.items() if name != "limit"})
    assert len(ids) > limit, "no second page to link to"
    answer = client.list(key, **parameters)
    pages = [answer.ids]
    while answer.json()["next_cursor"] is not None:
        link = re.fullmatch(r'<([^<>]*)>; rel="next"', answer.headers["Link"])[1]
        assert link.isascii() and "\"" not in link and " " not in link
        target = urljoin(client.url + EVENTS, link)
        assert target.startswith(client.url), "the link leads elsewhere"
        answer = client.send(target[len(client.url):], headers={"X-API-Key": key})
        pages.append(answer.ids)
    assert answer.headers["Link"] is None
    assert together(pages) == ids
    assert all(len(page) == limit for page in pages[:-1])


def test_link_works_in_strict_mode(client, key):
    strict = {"Prefer": "handling=strict"}
    answer = client.list(key, limit=2, headers=strict)
    link = answer.headers["Link"].split(">")[0].lstrip("<")
    target = urljoin(client.url + EVENTS, link)[len(client.url):]
    assert len(client.get(target, key, headers=strict).ids) == 2


HEAD_TARGETS = [EVENTS, EVENTS + "?limit=2", EVENTS + "?limit=0", EVENTS + "/not-an-id", "/healthz", "/readyz",
                "/openapi.json", "/nothing"]


@pytest.mark.parametrize("target", HEAD_TARGETS)
def test_head_is_get_without_a_body(client, auth, target):
    get = client.send(target, headers=auth)
    head = client.send(target, "HEAD", headers=auth)
    assert head.status == get.status
    assert head.body == b""
    for name in ("Content-Type", "Content-Length", "Cache-Control", "Link"):
        assert head.headers[name] == get.headers[name], name


def test_no_bytes_follow_the_headers_of_head(client, auth):
    with client.connect() as connection:
        connection.send(request_bytes(EVENTS, "HEAD", auth) + request_bytes("/healthz"))
        assert connection.receive("HEAD").status == 200
        assert connection.receive().status == 200


WRONG_METHODS = [(EVENTS, method, {"GET", "HEAD", "POST"}) for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "BREW")]
WRONG_METHODS += [(EVENTS + "/018df0c8-0000-7000-8000-000000000000", "DELETE", {"GET", "HEAD"}),
                  (TOKEN, "GET", {"POST"}), (TOKEN, "PUT", {"POST"}),
                  ("/openapi.json", "POST", {"GET", "HEAD"}), ("/healthz", "POST", {"GET", "HEAD"}),
                  ("/readyz", "DELETE", {"GET", "HEAD"})]


@pytest.mark.parametrize("target, method, allowed", WRONG_METHODS)
def test_wrong_method(client, auth, target, method, allowed):
    answer = client.send(target, method, headers=auth)
    assert answer.status == 405
    assert answer.json() == {"detail": "Method Not Allowed"}
    assert answer.headers["Content-Type"] == "application/json"
    assert {name.strip() for name in answer.headers["Allow"].split(",")} == allowed


def test_wrong_method_with_a_body_leaves_the_connection_in_order(client, auth):
    with client.connect() as connection:
        connection.send(request_bytes(EVENTS, "PUT", auth, b"GET /nothing HTTP/1.1\r\n\r\n"))
        assert connection.receive().status == 405
        connection.send(request_bytes("/healthz"))
        following = connection.receive()
        assert following is None or following.status == 200


@pytest.mark.parametrize("target", ["/", "/v1", "/v1/audit", "/v1/audit/event", "/V1/AUDIT/EVENTS", "/v1/audit/events2",
                                    "//v1/audit/events", "/v1/audit/events/a/b", "/healthz/", "/../etc/passwd",
                                    "/v1/../v1/audit/events", "/%2e%2e/", "/%zz", "/%00", "/%ff"])
def test_unknown_path(client, auth, target):
    answer = client.send(target, headers=auth)
    if answer.status == 400 and target in ("/%zz", "/%00"):  # libmicrohttpd refuses these by itself in later versions
        assert answer.json() == {"detail": "Bad Request"}
    else:
        assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})
    assert answer.headers["Content-Type"] == "application/json"
