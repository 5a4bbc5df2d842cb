# The filters of a list: SQL, the daemon, openapi.json and the documents have the same ones. Their order is that of the table
# in src/core/event_filters.hpp.
import json
import os
import re

import psycopg2
import pytest

from database import COLUMNS
from events import EQUALITY_FILTERS, PUBLISHED_FILTERS
from http_client import EVENTS
from support import REPOSITORY

OTHER_ARGUMENTS = ("cursor", "page_size", "since", "until")
TYPES = {"text": "string", "inet": "string", "bigint": "integer"}


@pytest.fixture(scope="module")
def types(database):
    """Of the columns, as SQL names them."""
    return dict(database.execute("""SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
                                    WHERE attrelid = 'audit_events'::regclass AND attnum > 0"""))


@pytest.fixture(scope="module")
def filters():
    with open(os.path.join(REPOSITORY, "src/core/event_filters.hpp"), encoding="utf-8") as file:
        table = re.search(r"filter_columns\{(.*?)\}", file.read(), re.DOTALL)[1]
    return tuple(re.findall(r'event_column_named\("(\w+)"\)', table))


@pytest.fixture(scope="module")
def indexed(database):
    """The columns of the filter index, in its order."""
    return tuple(row[0] for row in database.execute("""
        SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(number, place), pg_attribute a
        WHERE i.indexrelid = 'audit_events_default_filters'::regclass AND (a.attrelid, a.attnum) = (i.indrelid, k.number)
        ORDER BY k.place"""))


def test_the_tests_know_them_all(filters):
    assert EQUALITY_FILTERS == filters


def test_the_filter_index_has_the_first_ones(filters, indexed):
    assert indexed == filters[:len(indexed)] and len(indexed) >= len(PUBLISHED_FILTERS)


@pytest.mark.parametrize("function", ["audit_list", "audit_list_json", "audit_explain"])
def test_arguments_in_sql(database, types, filters, function):
    arguments = database.execute("""SELECT a.name, format_type(a.type, NULL)
        FROM pg_proc p, unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) a(name, type) WHERE p.oid = %s::regproc""",
                                 (function,))
    assert [argument for argument in arguments if argument[0] not in OTHER_ARGUMENTS] == [
        *((name, types[name]) for name in filters), ("filter", "text")]
    published = len(PUBLISHED_FILTERS)
    assert [name for name, _ in arguments] == [*filters[:published], *OTHER_ARGUMENTS, *filters[published:], "filter"]


def test_comments_of_columns(database, filters):
    found = database.execute("""SELECT attname FROM pg_attribute WHERE attrelid = 'audit_events'::regclass
                                AND col_description(attrelid, attnum) LIKE '%A filter of audit_list()%'""")
    assert {row[0] for row in found} == set(filters)


def test_parameters_in_openapi(client, types, filters):
    parameters = client.get("/openapi.json").json()["paths"][EVENTS]["get"]["parameters"]
    queries = {parameter["name"]: parameter["schema"]["anyOf"] for parameter in parameters
               if parameter["in"] == "query" and parameter["name"] not in ("cursor", "limit", "since", "until", "filter")}
    assert [(name, [kind["type"] for kind in kinds]) for name, kinds in queries.items()] == [
        (name, [TYPES[types[name]], "null"]) for name in filters]


@pytest.mark.parametrize("column", COLUMNS)
def test_parameters_that_the_daemon_knows(client, key, filters, column):
    answer = client.list(key, headers={"Prefer": "handling=strict"}, **{column: "::1" if column == "ip_address" else "1"})
    assert answer.status == (200 if column in filters else 422)


@pytest.mark.parametrize("column", COLUMNS)
def test_size_of_texts_that_are_published_filters(scratch, types, column):
    """In the trigger and in the reader of JSON, which know the columns each by itself."""
    if types[column] != "text":
        return
    event = {"event_group": "g", "event_type": "t", column: "x" * 2049}
    names = ", ".join(event)
    for statement in (f"INSERT INTO audit_events ({names}) VALUES %s", "SELECT audit_log_batch(%s)"):
        values = (tuple(event.values()),) if "INSERT" in statement else (json.dumps(event),)
        if column in PUBLISHED_FILTERS:
            with pytest.raises(psycopg2.Error) as raised:
                scratch.execute(statement, values)
            assert raised.value.pgcode == "22001"
        else:
            scratch.execute(statement, values)


def names_in(document, pattern):
    """The names in back quotes in each match of the pattern."""
    with open(os.path.join(REPOSITORY, "docs", document), encoding="utf-8") as file:
        found = re.findall(pattern, file.read(), re.MULTILINE)
    assert found, pattern
    return [re.findall(r"`(\w+)`", match) for match in found]


def test_documents(types, filters):
    texts = {name for name in filters if types[name] == "text"}
    assert {*names_in("http_api.md", r"^\| (.*) \| only events with exactly this text")[0]} == texts
    assert {*names_in("http_api.md", r"^\| (.*) \| only events with exactly this integer")[0]} == {*filters} - texts - {"ip_address"}
    for names in names_in("sql_api.md", r"^\| more than 2,048 bytes in (.*?) \|"):
        assert {*names} == texts & {*PUBLISHED_FILTERS}


def test_documented_index(indexed):
    assert names_in("partitions.md", r"^The columns of the filter index are ([^.]*)\.") == [list(indexed)]
