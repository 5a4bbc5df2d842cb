# Functions of the extension that are called from inside themselves (by a trigger, a policy, an index). They are also called
# on tables that they were not made for, after a rename and after an error. Whatever the answer is, the server stays up.
import itertools

import psycopg2
import pytest

EVENT = """'{"event_group":"n","event_type":"b"}'"""
GIVEN = f"""'[{{"event_group":"n","event_type":"b"}},{{"event_group":"n","event_type":"c","id":"%s"}}]'"""
_ids = itertools.count(1)


def given_id():
    return f"00000000-0000-4000-8000-{next(_ids):012}"


WRITERS = {
    "log": lambda: "audit_log('n', 'b')",
    "log_once": lambda: f"audit_log('n', 'b', id => '{given_id()}')",
    "batch": lambda: f"(SELECT count(*) FROM audit_log_batch({GIVEN % given_id()}))",
    "text": lambda: f"(SELECT count(*) FROM audit_log_json({GIVEN % given_id()}, false, NULL, NULL, NULL))",
}
READERS = {
    "list": "(SELECT count(*) FROM audit_list(page_size => 5))",
    "filtered": "(SELECT count(*) FROM audit_list(event_group => 'g', page_size => 5))",
    "json": "audit_list_json(page_size => 5)",
    "explain": "(SELECT count(*) FROM audit_explain(page_size => 5))",
    "get": "(SELECT count(*) FROM audit_get(audit_make_id('2025-01-10Z')))",
    "get_json": "audit_get_json('00000000-0000-4000-8000-000000000000')",
}

# A schema makes the kept statements stale. Deeper than is needed for an outer plan to be replaced by an inner call.
NESTED = """
DECLARE depth integer := coalesce(nullif(current_setting('x.depth', true), ''), '0');
BEGIN
  IF depth < 3 THEN
    PERFORM set_config('x.depth', (depth + 1)::text, false);
    EXECUTE format('CREATE SCHEMA nested_%s', depth);
    EXECUTE format('DROP SCHEMA nested_%s', depth);
    BEGIN
      PERFORM {inner};
      {after}
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
  END IF;
  {result}
END"""


def survives(trail, role, *statements):
    """The last statement's rows; the statements run in one session, and no session of the server has ended by them."""
    session = trail.session(role)
    try:
        with session.cursor() as cursor:
            for statement in statements:
                cursor.execute("SET x.depth = 0")
                cursor.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
            cursor.execute("SELECT 1")
        trail.execute("SELECT 1")
        return rows
    finally:
        session.close()


def as_superuser(trail, statement):
    # The guards of the trail refuse it otherwise.
    trail.execute("SET audit_ext.allow_changes = on")
    trail.execute(statement)
    trail.execute("RESET audit_ext.allow_changes")


def grant_schemas(trail):
    trail.execute(f'GRANT CREATE ON DATABASE "{trail.name}" TO PUBLIC')


def set_nested(trail, arguments, result_type, inner, after="", result="RETURN NEW;"):
    body = NESTED.format(inner=inner, after=after, result=result)
    trail.execute(f"CREATE OR REPLACE FUNCTION owned.nested({arguments}) RETURNS {result_type} LANGUAGE plpgsql"
                  f" SET search_path FROM CURRENT AS $f${body}$f$")


def add_trigger(trail, inner):
    grant_schemas(trail)
    set_nested(trail, "", "trigger", inner)
    # Not for the event that records the trigger, which is recorded in a security-restricted operation.
    as_superuser(trail, "CREATE TRIGGER zz BEFORE INSERT ON audit_events_default FOR EACH ROW"
                        " WHEN (NEW.event_group <> 'audit') EXECUTE FUNCTION owned.nested()")


@pytest.mark.parametrize("outer", WRITERS)
def test_a_trigger_may_record_events_itself(trail, outer):
    add_trigger(trail, WRITERS["log"]())
    for inner, after in itertools.product(WRITERS.values(), ("", "RAISE 'no';")):
        set_nested(trail, "", "trigger", inner(), after)
        before = len(trail.events())
        survives(trail, trail.writer, f"SELECT {WRITERS[outer]()}", "CREATE TEMP TABLE new_events (a int)",
                 f"SELECT {WRITERS[outer]()}")
        assert len(trail.events()) > before


@pytest.mark.parametrize("outer", READERS)
def test_a_policy_may_read_events_itself(trail, outer):
    grant_schemas(trail)
    set_nested(trail, "bigint", "boolean", "1", result="RETURN true;")
    as_superuser(trail, "ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;"
                        " CREATE POLICY pp ON audit_events USING (owned.nested(user_id))")
    trail.execute(f'GRANT EXECUTE ON FUNCTION audit_make_id TO "{trail.reader}"')
    for inner in READERS.values():
        set_nested(trail, "bigint", "boolean", inner, result="RETURN true;")
        rows = survives(trail, trail.reader, f"SELECT {READERS[outer]}", "CREATE TEMP TABLE x (a int)",
                        f"SELECT {READERS[outer]}")
        assert len(rows) == 1


def test_a_trigger_may_read_what_is_being_recorded(trail):
    add_trigger(trail, READERS["filtered"])
    trail.call("audit_grant_reader", trail.writer)
    survives(trail, trail.writer, f"SELECT {WRITERS['batch']()}")


def test_an_index_may_read_events_itself(trail):
    trail.call("audit_grant_reader", trail.owner)
    grant_schemas(trail)
    trail.execute("CREATE FUNCTION owned.nested(text) RETURNS bigint IMMUTABLE LANGUAGE sql"
                  " SET search_path FROM CURRENT AS 'SELECT count(*) FROM audit_list(page_size => 5)'")
    as_superuser(trail, "CREATE INDEX ON audit_events_default (owned.nested(event_group))")
    trail.call("audit_grant_reader", trail.writer)
    survives(trail, trail.writer, f"SELECT {WRITERS['batch']()}", f"SELECT {WRITERS['log']()}")


@pytest.mark.parametrize("rename, back", [
    ('ALTER SCHEMA "Audit trail" RENAME TO renamed', 'ALTER SCHEMA renamed RENAME TO "Audit trail"'),
])
def test_a_rename_under_a_session_ends_no_session(trail, rename, back):
    grant_schemas(trail)
    calls = [f"SELECT {call}" for call in READERS.values()] + [f"SELECT {WRITERS[name]()}" for name in WRITERS]
    other, session = trail.session(None), trail.session(None)
    with session.cursor() as cursor, other.cursor() as renamer:
        renamer.execute("SET lock_timeout = '20s'")
        cursor.execute("SELECT set_config('search_path', current_setting('search_path') || ', renamed', false)")
        for statement in calls:
            cursor.execute(statement)
        renamer.execute("SET audit_ext.allow_changes = on")
        renamer.execute(rename)
        for statement in calls:
            try:
                cursor.execute(statement)
            except psycopg2.Error as error:
                assert error.pgcode in ("3F000", "42703"), error
        renamer.execute(back)
        for call in READERS.values():
            cursor.execute(f"SELECT {call}")
        for writer in WRITERS.values():
            cursor.execute(f"SELECT {writer()}")
    other.close()
    session.close()


OTHER_TABLES = {
    "other types": "CREATE TABLE o (id text, created_at text, event_group int, event_type int, status int, vm_id int,"
                   " session_id int)",
    "text for a number": "CREATE TABLE o (LIKE audit_events); ALTER TABLE o ALTER user_id TYPE text",
    "a time for jsonb": "CREATE TABLE o (LIKE audit_events); ALTER TABLE o DROP event_payload;"
                        " ALTER TABLE o ADD event_payload timestamptz",
    "domains": "CREATE DOMAIN owned.word AS text; CREATE TABLE o (LIKE audit_events);"
               " ALTER TABLE o ALTER event_group TYPE owned.word",
    "too few columns": "CREATE TABLE o (id uuid, created_at timestamptz, event_group text)",
}


@pytest.mark.parametrize("kind", OTHER_TABLES)
def test_the_trigger_refuses_tables_of_another_kind(trail, kind):
    trail.execute(OTHER_TABLES[kind] + "; CREATE TRIGGER t BEFORE INSERT ON o FOR EACH ROW"
                                       " EXECUTE FUNCTION audit_events_before_insert()")
    for statement in ("INSERT INTO o (created_at) VALUES ('2020-01-01Z')", "INSERT INTO o (event_group) VALUES ('7')",
                      "INSERT INTO o (created_at, event_group) SELECT '2020-01-01Z', '7' FROM generate_series(1, 3)"):
        error = trail.attempt(None, statement)
        assert error.pgcode in ("42703", "42804"), error


def test_the_trigger_finds_columns_wherever_they_are(trail):
    trail.execute("CREATE TABLE o (extra int, LIKE audit_events); ALTER TABLE o DROP vm_id; ALTER TABLE o DROP extra;"
                  " ALTER TABLE o ADD vm_id text; CREATE TRIGGER t BEFORE INSERT ON o FOR EACH ROW"
                  " EXECUTE FUNCTION audit_events_before_insert();"
                  " INSERT INTO o (created_at, event_group, event_type, actor_type, source, status)"
                  " SELECT '2020-01-01Z', 'a', 'b', 'c', 'd', 'e' FROM generate_series(1, 3)")
    assert trail.execute("SELECT count(DISTINCT id) FROM o WHERE audit_id_matches(id, created_at)") == [(3,)]
    error = trail.attempt(None, "INSERT INTO o (created_at, vm_id) VALUES ('2020-01-01Z', repeat('x', 2049))")
    assert error.pgcode == "22001" and error.diag.column_name == "vm_id"


def test_trigger_functions_run_as_triggers_only(trail):
    trail.execute("CREATE VIEW v AS SELECT * FROM audit_events")
    for statement in ("CREATE TRIGGER t INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION audit_events_before_insert()",
                      "CREATE TRIGGER t AFTER INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_before_insert()"):
        session = trail.session(None)
        with session.cursor() as cursor:
            cursor.execute("SET audit_ext.allow_changes = on")
            cursor.execute("BEGIN")
            cursor.execute(statement)
            with pytest.raises(psycopg2.Error) as raised:
                table = "v" if " ON v " in statement else "audit_events"
                cursor.execute(f"INSERT INTO {table} (id, created_at, event_group, event_type, actor_type, source, status)"
                               " VALUES (audit_make_id(), now(), 'a', 'b', 'c', 'd', 'e')")
        session.close()
        assert raised.value.pgcode == "39P01"
    for function in ("audit_events_before_insert", "audit_guard", "audit_guard_command", "audit_record_command"):
        assert trail.attempt(None, f"SELECT {function}()").pgcode in ("0A000", "39P01", "39P03")


@pytest.mark.parametrize("time", ["infinity", "-infinity", "1969-12-31 23:59:59.999999Z", "10000-01-01Z", "4713-01-01Z BC"])
def test_no_id_is_made_for_a_time_that_no_event_has(trail, time):
    error = trail.attempt(trail.writer, f"SELECT audit_make_id('{time}')")
    assert error.pgcode == "22008", error
