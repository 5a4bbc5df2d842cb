# `filter` is text of the caller's that reaches the search: it must neither find more, nor run anything, nor take for ever.
import json

import psycopg2
import pytest

EVERYTHING = ("user_id pr or not (user_id pr)", "user_id eq 1 or user_id ne 1", "not (user_id eq 7)", 'event_group eq "g" or event_group pr', "id pr")


def found(trail, role, expression, engine="posting"):
    session = trail.session(role)
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT set_config('audit_ext.engine', %s, false)", (engine,))
            cursor.execute("SELECT user_id FROM audit_list(filter => %s, page_size => 200)", (expression,))
            return [row[0] for row in cursor.fetchall()]
    finally:
        session.close()


@pytest.mark.parametrize("expression", EVERYTHING)
def test_a_reader_of_its_own_events_gets_no_others(trail, start_daemon, expression):
    daemon = start_daemon(trail)
    key = trail.create_api_key("own", scopes=["audit:read:self"], user_id=7)
    answer = daemon.client.list(key, filter=expression, limit=200)
    assert answer.status == 200
    assert {event["user_id"] for event in answer.json()["items"]} <= {7}
    assert daemon.client.list(key, user_id=8, filter=expression).status == 403


@pytest.mark.parametrize("engine", ["sql", "posting"])
def test_policies_come_before_the_filter(trail, engine):
    trail.execute("ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON audit_events FOR SELECT USING (user_id = 7)")
    for expression in EVERYTHING:
        assert set(found(trail, trail.reader, expression, engine)) <= {7}
    assert found(trail, trail.reader, "user_id eq 8", engine) == []


@pytest.mark.parametrize("value", ["' OR true --", "'; DROP TABLE audit_events; --", "$1", "$100", "%s", "\\", "\"", "${x}", "\x01", "{}", "lax $", "*"])
@pytest.mark.parametrize("engine", ["sql", "posting"])
def test_what_is_written_is_only_a_value(trail, engine, value):
    before = trail.events()
    text = json.dumps(value)
    for expression in (f"event_group eq {text}", f"path co {text}", f"event_payload.{text} pr", f"event_payload.a.{text}.b eq {text}", f"vm_id ew {text}"):
        assert found(trail, None, expression, engine) == []
    trail.execute("INSERT INTO audit_events (event_group, event_type, user_id, event_payload) VALUES (%s, 't', -1, %s)", (value, json.dumps({value: value})))
    assert found(trail, None, f"event_group eq {text} and event_payload.{text} eq {text}", engine) == [-1]
    trail.execute("SET audit_ext.allow_changes = on; DELETE FROM audit_events WHERE user_id = -1; RESET audit_ext.allow_changes")
    assert trail.events() == before


def test_operators_and_functions_of_others_do_not_run(trail):
    """Those that stand before pg_catalog in the caller's search_path."""
    trail.execute("""
      CREATE FUNCTION owned.trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
      CREATE FUNCTION owned.strpos(text, text) RETURNS int LANGUAGE sql AS 'SELECT owned.trap()::int';
      CREATE FUNCTION owned.starts_with(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT owned.trap()';
      CREATE FUNCTION owned.right(text, int) RETURNS text LANGUAGE sql AS 'SELECT owned.trap()::text';
      CREATE FUNCTION owned.length(text) RETURNS int LANGUAGE sql AS 'SELECT owned.trap()::int';
      CREATE FUNCTION owned.jsonb_typeof(jsonb) RETURNS text LANGUAGE sql AS 'SELECT owned.trap()::text';
      CREATE FUNCTION owned.jsonb_path_query(jsonb, jsonpath) RETURNS SETOF jsonb LANGUAGE sql AS 'SELECT owned.trap()::text::jsonb';
      CREATE FUNCTION owned.equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT owned.trap()';
      CREATE FUNCTION owned.equal(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT owned.trap()';
      CREATE OPERATOR owned.= (LEFTARG = text, RIGHTARG = text, FUNCTION = owned.equal);
      CREATE OPERATOR owned.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = owned.equal);
      CREATE DOMAIN owned.float8 AS text CHECK (owned.trap());
      CREATE DOMAIN owned.numeric AS text CHECK (owned.trap());
      CREATE COLLATION owned."C" FROM "C";
      INSERT INTO audit_events (event_group, event_type, user_id, vm_id, latency_ms, event_payload)
      VALUES ('x', 't', -1, 'abc', 1, '{"a": "abc", "n": 1, "t": true}')""")
    expression = ('user_id eq -1 and event_group eq "x" and vm_id co "b" and vm_id sw "a" and vm_id ew "c" and vm_id gt "a" and latency_ms gt 0.5 '
                  'and event_payload.a co "b" and event_payload.n ge 1 and event_payload.t eq true and event_payload.a pr')
    session = trail.session()
    with session.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', 'owned, pg_catalog, ' || current_setting('search_path'), false)")
        for engine in ("sql", "posting"):
            cursor.execute("SELECT pg_catalog.set_config('audit_ext.engine', %s, false)", (engine,))
            cursor.execute("SELECT user_id FROM audit_list(filter => %s)", (expression,))
            assert cursor.fetchall() == [(-1,)]
    session.close()


@pytest.mark.parametrize("engine", ["sql", "posting"])
def test_a_costly_filter_is_cancelled_in_time(trail, engine):
    """64 walks through an array of twenty thousand in each row."""
    trail.execute("INSERT INTO audit_events (event_group, event_type, event_payload) SELECT 'z', 't', "
                  "(SELECT jsonb_agg(jsonb_build_object('a', n)) FROM generate_series(1, 20000) n) FROM generate_series(1, 60)")
    expression = " and ".join(f"not (event_payload.a eq {-n})" for n in range(1, 64)) + " and event_payload.a eq -65"
    session = trail.session(trail.reader)
    with session.cursor() as cursor, pytest.raises(psycopg2.errors.QueryCanceled):
        cursor.execute("SELECT set_config('audit_ext.engine', %s, false)", (engine,))
        cursor.execute("SET statement_timeout = '100ms'")
        cursor.execute("SELECT count(*) FROM audit_list(filter => %s)", (expression,))
    session.close()


@pytest.mark.parametrize("expression", ["(" * 1_000_000, "not(" * 250_000, "a." * 500_000, '"' * 1_000_000, "user_id pr and " * 70_000])
def test_large_texts_are_refused_at_once(trail, expression):
    error = trail.attempt(trail.reader, f"SELECT audit_list_json(filter => '{expression}')")
    assert (error.pgcode, error.diag.constraint_name) == ("22023", "filter_invalid")
    assert "more than 4096 bytes" in error.diag.message_detail


def test_the_bound_on_rows_holds_over_partitions_and_pages(trail):
    trail.execute("SET audit_ext.filter_rows_max = 150")
    for arguments in ("", ", since => '2020-01-01'", ", event_group => 'g'"):
        with pytest.raises(psycopg2.Error) as raised:
            trail.execute(f"SELECT audit_list_json(filter => 'event_payload.nothing pr'{arguments})")
        assert (raised.value.pgcode, raised.value.diag.constraint_name) == ("54000", "filter_rows_max")
    # Each page has the bound for itself.
    arguments = "filter => 'user_id gt 0', until => '2025-02-01', page_size => 70"
    cursor = trail.execute(f"SELECT min(next_cursor) FROM audit_list({arguments})")[0][0]
    assert len(trail.execute(f"SELECT 1 FROM audit_list({arguments}, cursor => %s)", (cursor,))) == 30
    error = trail.attempt(trail.reader, "SELECT count(*) FROM audit_list(page_size => 1)", "SET audit_ext.filter_rows_max = 2000000")
    assert error.pgcode == "42501"
