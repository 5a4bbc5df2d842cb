# Query parameters: integers as pydantic's lax mode takes them, text, date-times, several errors, the strict mode.
from urllib.parse import quote

import pytest

from contract import check_invalid, check_page, error
from events import select_ids
from http_client import EVENTS

INT64_MAX = 2**63 - 1
INT64_MIN = -2**63

VALID_INTEGERS = [
    ("5", 5), ("+5", 5), ("-5", -5), ("%2B5", 5), ("005", 5), ("-0005", -5), ("5.0", 5), ("5.000", 5), ("%20%205", 5),
    ("5%0A", 5), ("%095%0D%0A", 5), ("-5.0", -5), ("1_000", 1000), ("1_0_0_0", 1000), ("1_000.0", 1000),
    (str(INT64_MAX), INT64_MAX), (str(INT64_MIN), INT64_MIN), ("%2B" + str(INT64_MAX), INT64_MAX),
]


@pytest.mark.parametrize("text, value", VALID_INTEGERS)
def test_user_id_is_parsed_as_lax_integer(client, auth, database, text, value):
    expected = select_ids(database, limit=50, user_id=value)
    assert expected
    answer = client.send(f"{EVENTS}?user_id={text}", headers=auth)
    check_page(answer)
    assert answer.ids == expected


@pytest.mark.parametrize("text", ["0", "-0", "00", "%2B0", "0.0", "0_0"])
def test_zero(client, auth, text):
    assert client.send(f"{EVENTS}?user_id={text}", headers=auth).ids == []


INVALID_INTEGERS = ["", "%20", "abc", "5a", "a5", "0x10", "1e3", "1.5", "1.01", ".0", ".", "5.", "--5", "%2B-5",
                    "-%2B5", "%2B%2B5", "-", "%2B", "-%205", "5%205", "1__0", "_1", "1_", "-_1", "1,000", "NaN", "inf",
                    "None", "null", "true", "%D9%A1", "%EF%BC%95", "5;", "5%00", "%00", "%ff"]


@pytest.mark.parametrize("text", INVALID_INTEGERS)
@pytest.mark.parametrize("name", ["user_id", "limit"])
def test_what_is_no_integer(client, auth, name, text):
    check_invalid(client.send(f"{EVENTS}?{name}={text}", headers=auth), [error(name, "int_parsing")])


TOO_BIG = [str(INT64_MAX + 1), str(INT64_MIN - 1), "9" * 19, "1" + "0" * 30, "-" + "9" * 400, "1" * 4000,
           "18446744073709551616"]


@pytest.mark.parametrize("text", TOO_BIG, ids=len)
def test_user_id_beyond_64_bits(client, auth, text):
    check_invalid(client.send(f"{EVENTS}?user_id={text}", headers=auth), [error("user_id", "int_parsing_size")])


@pytest.mark.parametrize("text", TOO_BIG, ids=len)
def test_huge_limit_is_compared_first(client, auth, text):
    kind = "greater_than_equal" if text.startswith("-") else "less_than_equal"
    check_invalid(client.send(f"{EVENTS}?limit={text}", headers=auth), [error("limit", kind)])


@pytest.mark.parametrize("name", ["event_group", "event_type", "status", "vm_id", "session_id", "actor_type", "actor_id", "source",
                                  "resource_type", "resource_id", "request_id", "correlation_id"])
@pytest.mark.parametrize("text", ["%ff", "a%00b", "%00", "%c3", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "%e2%82",
                                  "a%80", "%f8%88%80%80%80"])
def test_text_that_is_no_utf8(client, auth, name, text):
    check_invalid(client.send(f"{EVENTS}?{name}={text}", headers=auth), [error(name, "string_unicode")])


@pytest.mark.parametrize("name", ["event_group", "status"])
def test_raw_bytes_that_are_no_utf8(client, auth, name):
    answer = client.send(EVENTS.encode() + f"?{name}=".encode() + b"\xff\xfe", headers=auth)
    assert answer.status in (400, 422)
    assert answer.json()["detail"]


def test_raw_utf8_is_taken(client, auth, database):
    answer = client.send((EVENTS + "?status=é").encode(), headers=auth)
    assert answer.ids == select_ids(database, status="é", limit=50) != []


NO_ADDRESSES = ["", "%20", "x", "10", "10.0.0", "10.0.0.256", "10/8", "010.0.0.1", "10.0.0.1:80", "10.0.0.0/33", "10.0.0.0/-1",
                "10.0.0.0/", "10.0.0.0/8/8", "/8", "::/129", "fe80::1%25eth0", "[::1]", "::ffff:1.2.3", "1::2::3", "10.0.0.1%00", "%ff",
                "10.0.0.0%2F255.0.0.0", "1" * 4000]


@pytest.mark.parametrize("text", NO_ADDRESSES, ids=lambda text: text[:20])
def test_what_is_no_address(client, auth, text):
    check_invalid(client.send(f"{EVENTS}?ip_address={text}", headers=auth), [error("ip_address", "ip_any_network")])


def test_bits_behind_the_prefix(client, auth):
    check_invalid(client.send(f"{EVENTS}?ip_address=10.0.0.1/8", headers=auth), [error("ip_address", "ip_network_host_bits")])


@pytest.mark.parametrize("text", ["\u00e9\u0301", "\ufeff", "\u202e", "\U0010ffff", "%", "%25", "a\nb", "\x7f", "'"])
def test_odd_but_valid_text_finds_nothing(client, key, text):
    assert client.list(key, vm_id=text).ids == []


def test_long_text_within_the_limit_is_a_filter_like_any(client, key):
    assert client.list(key, vm_id="v" * 3000).ids == []


# since and until

BLOCK = "2024-02-28T23:01:01.100000Z"  # seven events have this created_at


@pytest.mark.parametrize("since, until", [
    (BLOCK, None), (None, BLOCK), (BLOCK, "2024-02-28T23:01:01.100001Z"), ("2024-02-28T23:01:01.100001Z", None),
    ("2024-02-28T23:01:01.1Z", None), ("2024-02-29T00:00:00Z", "2024-02-29T00:30:00Z"), (BLOCK, BLOCK),
    ("2024-02-29T00:00:00+01:00", None), ("2024-02-28t23:30:00z", None), ("2024-02-28T23:00:00-00:30", None),
    ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"), (None, "2024-02-29T05:45:00.5+05:45"),
    ("2024-02-28T23:30:00.000000Z", "2024-02-28T23:30:00Z"),
])
def test_since_is_inclusive_and_until_exclusive(client, key, database, since, until):
    given = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
    answer = client.list(key, limit=200, **given)
    check_page(answer)
    assert answer.ids == select_ids(database, limit=200, **given)


def test_the_block_at_the_bound_is_distinguished(client, key, database):
    """Without this the test above could pass on bounds that no event touches."""
    with_block = client.list(key, limit=200, until="2024-02-28T23:01:01.100001Z").ids
    without_block = client.list(key, limit=200, until=BLOCK).ids
    assert (len(with_block), len(without_block)) == (14, 7)
    assert len(client.list(key, since=BLOCK, until="2024-02-28T23:01:01.100001Z").ids) == 7


def test_more_than_six_digits_of_a_second(client, key):
    assert len(client.list(key, limit=200, until="2024-02-28T23:01:01.100000900Z").ids) in (7, 14)


def test_since_after_until_is_empty(client, key):
    assert client.list(key, since="2024-03-01T00:00:00Z", until="2024-02-01T00:00:00Z").ids == []


NO_DATETIMES = ["", " ", "yesterday", "now", "infinity", "-infinity", "epoch", "2024-02-28", "23:00:00Z", "1709161200",
                "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
                "2024-01-00T00:00:00Z", "2024-03-00T00:00:00Z", "2024-01-01T24:00:01Z", "2024-01-01T25:00:00Z", "2024-01-01T00:60:00Z",
                "2024-01-01T00:00:61Z", "2024-01-01T00:00Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00,5Z",
                "2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+01:60",
                "2024-01-01T00:00:00+01:00:00", "2024-1-1T00:00:00Z", "24-01-01T00:00:00Z", "12024-01-01T00:00:00Z",
                "2024-01-01T00:00:00ZZ", "2024-01-01T00:00:00Z ", "2024-01-01T00:00:00 UTC", "20240101T000000Z",
                "2024-01-01T00:00:00Z\0", "٢٠٢٤-01-01T00:00:00Z", "2024-01-01T00:00:00Europe/Berlin",
                "0000-01-01T00:00:00Z"]


@pytest.mark.parametrize("text", NO_DATETIMES)
@pytest.mark.parametrize("name", ["since", "until"])
def test_what_is_no_datetime(client, auth, name, text):
    check_invalid(client.send(f"{EVENTS}?{name}={quote(text)}", headers=auth), [error(name, "datetime_parsing")])


@pytest.mark.parametrize("text", ["2024-01-01T00:00:00", "2024-01-01T00:00:00.123456"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_datetime_without_offset(client, key, name, text):
    check_invalid(client.list(key, **{name: text}), [error(name, "timezone_aware")])


# Several errors, repeated and unknown parameters

SEVERAL = [
    ("limit=0&user_id=x", [("user_id", "int_parsing"), ("limit", "greater_than_equal")]),
    ("limit=x&status=%ff&user_id=", [("status", "string_unicode"), ("user_id", "int_parsing"),
                                     ("limit", "int_parsing")]),
    ("session_id=%ff&vm_id=%ff&status=%ff&event_type=%ff&event_group=%ff",
     [(name, "string_unicode") for name in ("event_group", "event_type", "status", "vm_id", "session_id")]),
    ("until=x&since=2024-01-01T00:00:00&limit=201&user_id=99999999999999999999",
     [("user_id", "int_parsing_size"), ("limit", "less_than_equal"), ("since", "timezone_aware"),
      ("until", "datetime_parsing")]),
    ("limit=1&limit=0&user_id=1&user_id=x", [("user_id", "int_parsing"), ("limit", "greater_than_equal")]),
]


@pytest.mark.parametrize("query, errors", SEVERAL)
def test_one_entry_for_each_wrong_parameter_in_order(client, auth, query, errors):
    check_invalid(client.send(f"{EVENTS}?{query}", headers=auth), [error(*entry) for entry in errors])


def test_bad_cursor_is_reported_with_the_others(client, key):
    detail = check_invalid(client.list(key, cursor="x", limit=0, user_id="x", since="x"))
    assert [(entry["loc"][1], entry["type"]) for entry in detail] == [
        ("user_id", "int_parsing"), ("cursor", "cursor_invalid"), ("limit", "greater_than_equal"),
        ("since", "datetime_parsing")]


@pytest.mark.parametrize("query, parsed", [
    ("status=failure&status=denied", {"status": "denied"}),
    ("limit=0&limit=3", {"limit": 3}),
    ("user_id=x&user_id=5", {"user_id": 5}),
    ("status=%ff&status=a", {"status": "a"}),
    ("since=x&since=2024-02-29T00:00:00Z", {"since": "2024-02-29T00:00:00Z"}),
    ("cursor=x&nothing=1&status=denied&limit=2&cursor=", None),
])
def test_last_of_repeated_parameters_counts(client, auth, database, query, parsed):
    answer = client.send(f"{EVENTS}?{query}", headers=auth)
    if parsed is None:
        assert check_invalid(answer)[0]["type"] == "cursor_invalid"
    else:
        assert answer.ids == select_ids(database, **{"limit": 50, **parsed})


@pytest.mark.parametrize("query", ["statuss=denied", "Status=denied", "page_size=1", "offset=3", "X-API-Key=x", "%00=1",
                                   "%ff=%ff", "status%00=denied", "status[]=denied", "since%20=x", "a=1&a=2&b"])
def test_unknown_parameters_are_ignored(client, auth, database, query):
    assert client.send(f"{EVENTS}?{query}", headers=auth).ids == select_ids(database, limit=50)


def extra(name):
    return {"loc": ["query", name], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}


@pytest.mark.parametrize("prefer", ["handling=strict", 'handling="strict"', "respond-async, handling=strict",
                                    "handling=strict; foo=bar", "Handling=strict", "handling = strict",
                                    "return=minimal,handling=strict,wait=10"])
def test_strict_mode_refuses_unknown_parameters(client, key, prefer):
    answer = client.get(f"{EVENTS}?statuss=denied&limit=3&STATUS=x", key, headers={"Prefer": prefer})
    detail = check_invalid(answer)
    assert sorted(detail, key=str) == sorted([extra("statuss"), extra("STATUS")], key=str)


def test_strict_mode_in_a_second_prefer_header(client, auth):
    headers = [*auth.items(), ("Prefer", "respond-async"), ("Prefer", "handling=strict")]
    check_invalid(client.send(EVENTS + "?zzz=1", headers=headers), [extra("zzz")])


@pytest.mark.parametrize("prefer", ["handling=lenient", "return=strict", "strict", "nothandling=strict", "handling",
                                    "handling=strictly", "", "x=\"handling=strict\"", "a; handling=strict"])
def test_other_preferences_change_nothing(client, auth, prefer):
    answer = client.send(f"{EVENTS}?statuss=denied&limit=3", headers={**auth, "Prefer": prefer})
    assert len(answer.ids) == 3


def test_strict_mode_knows_all_parameters(client, key, database):
    filters = {"event_group": "auth", "event_type": "login", "status": "success", "user_id": 5, "vm_id": "vm-1",
               "session_id": "s-1", "limit": 3, "since": "2024-01-01T00:00:00Z", "until": "2025-01-01T00:00:00Z"}
    assert client.list(key, headers={"Prefer": "handling=strict"}, **filters).ids == select_ids(database, **filters)


def test_strict_mode_reports_wrong_parameters_first(client, key):
    answer = client.get(EVENTS + "?zzz=1&limit=0", key, headers={"Prefer": "handling=strict"})
    check_invalid(answer, [error("limit", "greater_than_equal"), extra("zzz")])
