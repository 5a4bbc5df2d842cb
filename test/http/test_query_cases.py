# contract/query_cases.json: what each query string means, byte for byte as written there, checked by its effect.
import pytest

from contract import QUERY_CASES, check_invalid, check_page
from events import select_ids
from http_client import EVENTS


def test_the_cases_are_there():
    assert len(QUERY_CASES) == 34


@pytest.mark.parametrize("case", QUERY_CASES, ids=lambda case: case["query"] or "(empty)")
def test_query_case(client, auth, database, case):
    # Sent raw: a client library would encode, reorder or cut (at #) what the case is about.
    answer = client.send(f"{EVENTS}?{case['query']}", headers=auth)
    if case["status"] == 422:
        check_invalid(answer, case["detail"])
        return
    parsed = dict(case["parsed"])
    limit = parsed.pop("limit", 50)
    expected = select_ids(database, limit=limit, **parsed)
    assert expected, "no event has these values: a filter that is ignored could not be told from one that works"
    assert len(expected) < len(select_ids(database)), "these filters do not select"
    check_page(answer)
    assert answer.ids == expected
