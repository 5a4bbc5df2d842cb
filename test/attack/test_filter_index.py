# Attempts on the filter index. Other functions cannot take the place of those that make its keys, and no value breaks an
# insert.
import json
import random

import psycopg2
import pytest

from database import temporary_database

FUNCTIONS = ("audit_gin_text_prefix(text, internal)", "audit_gin_text_bucket(text, internal)", "audit_gin_bigint_bucket(bigint, internal)",
             "audit_gin_consistent(internal, smallint, text, integer, internal, internal, internal, internal)")


@pytest.fixture(scope="module")
def database():
    with temporary_database() as database:
        database.execute("CREATE ROLE filter_index_attacker; GRANT CREATE ON SCHEMA public TO filter_index_attacker")
        yield database
        database.execute("DROP OWNED BY filter_index_attacker; DROP ROLE filter_index_attacker")


def refused(database, statement, *states):
    with pytest.raises(psycopg2.Error) as raised:
        database.execute(statement)
    assert raised.value.pgcode in states, raised.value


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_of_the_classes_cannot_be_called_or_replaced(database, function):
    name, _, types = function.partition("(")
    count = types.count(",") + 1
    refused(database, f"SELECT {name}({', '.join(['NULL'] * count)})", "42725", "0A000", "22023", "42883")
    refused(database, f"ALTER FUNCTION {function} RENAME TO mine", "2BP01", "42501", "55000", "P0001", "23001")
    refused(database, f"DROP FUNCTION {function}", "2BP01", "42501", "55000")


@pytest.fixture(scope="module")
def schema(database):
    return database.execute("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'audit_ext'")[0][0]


@pytest.mark.parametrize("statement", [
    "CREATE OPERATOR CLASS public.audit_prefix_ops FOR TYPE text USING gin AS OPERATOR 1 =, FUNCTION 1 bttextcmp(text, text)",
    "ALTER OPERATOR FAMILY {schema}.audit_prefix_ops USING gin DROP FUNCTION 4 (text, text)",
    "DROP OPERATOR CLASS {schema}.audit_bucket_ops USING gin",
    "ALTER OPERATOR CLASS {schema}.audit_bucket_ops USING gin RENAME TO mine"])
def test_a_role_without_rights_changes_no_class(database, schema, statement):
    database.execute(f"GRANT USAGE ON SCHEMA {schema} TO filter_index_attacker; SET ROLE filter_index_attacker")
    try:
        refused(database, statement.format(schema=schema), "42501")
    finally:
        database.execute("RESET ROLE")


def test_names_in_front_are_not_used(database, schema):
    """An equal sign and a hash of another schema, first in search_path, while partitions are made, filled and read."""
    database.execute(f"""CREATE SCHEMA front;
      CREATE FUNCTION front.never(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
      CREATE OPERATOR front.= (FUNCTION = front.never, LEFTARG = text, RIGHTARG = text);
      CREATE FUNCTION front.never(inet, inet) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
      CREATE OPERATOR front.<<= (FUNCTION = front.never, LEFTARG = inet, RIGHTARG = inet);
      SET search_path = front, {schema}, pg_catalog""")
    try:
        database.execute("SELECT audit_create_partition('2025-02-01Z', '2025-03-01Z')")
        database.execute("""INSERT INTO audit_events (created_at, event_group, event_type, actor_id, request_id, ip_address)
          SELECT '2025-01-01Z', 'front', 't', 'a', 'r', '10.0.0.1'""")
        for engine in ("posting", "sql"):
            database.execute(f"SET audit_ext.engine = {engine}")
            page = database.execute("SELECT audit_list_json(actor_id => 'a', request_id => 'r', ip_address => '10.0.0.0/8')::text")[0][0]
            assert len(json.loads(page)["items"]) == 1, engine
    finally:
        database.execute(f"SET search_path = {schema}; RESET audit_ext.engine")


def test_any_text_is_recorded_and_found(database):
    """Long and hard to compress, with characters of every length about where a key is cut."""
    random_ = random.Random(13)
    columns = ("actor_type", "actor_id", "source", "resource_type", "resource_id", "request_id", "correlation_id")
    database.execute("SET audit_ext.max_event_size = 0")
    for number in range(40):
        sign = random_.choice("aé漢🙂")
        text = "".join(random_.choices("0123456789abcdefghijklmnopqrstuvwxyzé漢🙂", k=random_.choice((2000, 2040, 60000)))) + sign * 20
        database.execute(f"INSERT INTO audit_events (created_at, event_group, event_type, {', '.join(columns)}) VALUES ('2025-01-01Z', 'long', %s, "
                         f"{', '.join(['%s'] * len(columns))})", (str(number), *[text] * len(columns)))
        if number % 10 == 9:
            database.execute("SELECT gin_clean_pending_list('audit_events_default_filters')")
        for column in columns:
            found = database.execute(f"SELECT event_type FROM audit_list({column} => %s)", (text,))
            assert found == [(str(number),)], (number, column)
            assert database.execute(f"SELECT count(*) FROM audit_list({column} => %s)", (text[:-1],)) == [(0,)]
