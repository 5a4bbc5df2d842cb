# The published contract (contract/, copied unchanged) as Python values and JSON Schema validators.
import copy
import json
import os
import re

import jsonschema

from database import COLUMNS

_DIRECTORY = os.path.join(os.path.dirname(__file__), "contract")
CREATED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(?!000000)\d{6})?Z")


def _load(name):
    with open(os.path.join(_DIRECTORY, name), encoding="utf-8") as file:
        return json.load(file)


OPENAPI = _load("openapi.json")
QUERY_CASES = _load("query_cases.json")["cases"]
_RESPONSES = OPENAPI["paths"]["/v1/audit/events"]["get"]["responses"]


def _closed(schema):
    """The same schema, but refusing members that it does not name, as strict generated clients do."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: _closed(part) for name, part in schema.items()}
    if "properties" in schema:
        result["additionalProperties"] = False
    return result


def _schema(status):
    schema = _closed(copy.deepcopy(_RESPONSES[status]["content"]["application/json"]["schema"]))
    # The contract's text asks for more than its schema: every member is always there.
    if status == "200":
        schema["required"] = ["items", "next_cursor"]
        schema["properties"]["items"]["items"]["required"] = list(COLUMNS)
    else:
        schema["required"] = ["detail"]
        schema["properties"]["detail"]["minItems"] = 1
    return schema


PAGE = jsonschema.Draft202012Validator(_schema("200"))
EVENT = jsonschema.Draft202012Validator(_schema("200")["properties"]["items"]["items"])
INVALID = jsonschema.Draft202012Validator(_schema("422"))


def check_event(event):
    EVENT.validate(event)
    assert tuple(event) == COLUMNS
    assert CREATED_AT.fullmatch(event["created_at"]), event["created_at"]


def check_page(answer):
    """A 200 of the list endpoint; returns its body."""
    assert answer.status == 200, (answer.status, answer.text)
    body = answer.json()
    PAGE.validate(body)
    assert tuple(body) == ("items", "next_cursor")
    for event in body["items"]:
        check_event(event)
    assert body["items"] or body["next_cursor"] is None, "an empty page that is not the last"
    return body


def check_invalid(answer, detail=None):
    """A 422; where `detail` is given that is its whole content."""
    assert answer.status == 422, (answer.status, answer.text)
    body = answer.json()
    INVALID.validate(body)
    assert answer.headers["Content-Type"] == "application/json"
    if detail is not None:
        assert body == {"detail": detail}
    return body["detail"]


def error(name, kind):
    """The entry of a 422's detail for a query parameter."""
    return {"loc": ["query", name], "msg": MESSAGES[kind], "type": kind}


MESSAGES = {
    "int_parsing": "Input should be a valid integer, unable to parse string as an integer",
    "int_parsing_size": "Unable to parse input string as an integer, exceeded maximum size",
    "greater_than_equal": "Input should be greater than or equal to 1",
    "less_than_equal": "Input should be less than or equal to 200",
    "string_unicode": "Input should be a valid string, unable to parse raw data as a unicode string",
    "datetime_parsing": "Input should be a valid datetime",
    "timezone_aware": "Input should have timezone info",
    "ip_any_network": "Input should be an IPv4 or IPv6 address or a network in CIDR form",
    "ip_network_host_bits": "Input should be a network without bits behind its prefix",
}


def walk(client, key, **parameters):
    """All pages by next_cursor; returns the list of pages' ids."""
    pages = []
    cursor = {}
    while True:
        body = check_page(client.list(key, **parameters, **cursor))
        pages.append([event["id"] for event in body["items"]])
        if body["next_cursor"] is None:
            return pages
        cursor = {"cursor": body["next_cursor"]}


def together(pages):
    """The ids of all pages in one list."""
    return [event_id for page in pages for event_id in page]


NOT_AUTHENTICATED = (401, {"detail": "Not authenticated"}, "Bearer")
INVALID_CREDENTIALS = (401, {"detail": "Could not validate credentials"}, 'Bearer error="invalid_token"')


def assert_answer(answer, expected):
    """`expected` is one of the answers above."""
    status, body, challenge = expected
    assert (answer.status, answer.json()) == (status, body)
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.headers["Content-Type"] == "application/json"


def assert_insufficient_scope(answer):
    assert answer.status == 403, (answer.status, answer.text)
    assert list(answer.json()) == ["detail"]
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="insufficient_scope"' in challenge and 'scope="audit:read"' in challenge
