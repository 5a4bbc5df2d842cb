# The extension's other tables are used with the rights of its owner, and its functions are found by name. So these tables cannot
# be given away, get no foreign code, and the functions' names cannot be taken.
import psycopg2.errors
import pytest
from psycopg2 import sql

from test_high_rights import TRAP, TRAPS, runs_as

# With a column that traps can be set on.
OWN_TABLES = {"audit_users": "username", "audit_api_keys": "name", "audit_idempotency_keys": "key", "audit_id_claims": "id",
              "audit_configuration": "partition_every", "audit_holds": "reason", "audit_maintenance": "error",
              "audit_policies": "statement", "audit_events_dump": "event_group", "audit_shards": "shard_id"}
TYPES = {"id": "uuid", "shard_id": "bigint"}  # of columns that are not text
OWN_VIEWS = ("audit_status", "audit_grants")

# On a table {t} that has a column {c}; {who} is to have it.
CHANGES = {
    **{f"trap: {name}": statements for name, statements in TRAPS.items() if name != "statistics"},
    "owner": "ALTER TABLE {t} OWNER TO {who}",
    "name": "ALTER TABLE {t} RENAME TO other",
    "schema": "ALTER TABLE {t} SET SCHEMA owned",
    "column's name": "ALTER TABLE {t} RENAME COLUMN {c} TO other",
    "column's default": "ALTER TABLE {t} ALTER COLUMN {c} SET DEFAULT CAST(owned.evil_text() AS {type})",
    "child": "CREATE TABLE owned.child () INHERITS ({t})",
    "child by its columns": "CREATE TABLE owned.child (LIKE {t} INCLUDING CONSTRAINTS); ALTER TABLE owned.child INHERIT {t}",
    "constraint trigger": "CREATE CONSTRAINT TRIGGER trap AFTER INSERT OR UPDATE ON {t} DEFERRABLE INITIALLY DEFERRED"
                          " FOR EACH ROW EXECUTE FUNCTION owned.trap()",
    "exclusion": "ALTER TABLE {t} ADD CONSTRAINT trap EXCLUDE ((owned.folded({c}::text)) WITH =)",
    "operator class": "CREATE OPERATOR CLASS owned.trap FOR TYPE text USING hash AS OPERATOR 1 =, FUNCTION 1 owned.hashed(text);"
                      " CREATE INDEX trap ON {t} USING hash (({c}::text) owned.trap)",
    "operator": "CREATE OPERATOR owned.!!! (RIGHTARG = text, FUNCTION = owned.folded);"
                " CREATE INDEX trap ON {t} ((OPERATOR(owned.!!!) {c}::text))",
}
HASHED = """CREATE FUNCTION owned.hashed(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM owned.act(); RETURN 1; END'"""


def set_traps(trail):
    assert trail.attempt(trail.owner, TRAP.format(who=trail.owner), HASHED) is None


def is_refused(error, *words):
    return (isinstance(error, psycopg2.errors.InsufficientPrivilege) and error.diag.message_detail and error.diag.message_hint
            and all(word in error.diag.message_primary for word in words))


def test_these_are_all_of_them(trail):
    members = trail.execute("SELECT c.relname FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE d.deptype = 'e'"
                            " AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext')"
                            " AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname NOT IN ('audit_events', 'audit_events_default')")
    assert {name for name, in members} == {*OWN_TABLES, *OWN_VIEWS}


@pytest.mark.parametrize("change", CHANGES)
def test_a_superuser_is_refused_without_saying_so(trail, change):
    """By accident, or by REASSIGN and the like: a session of its own for each, as the library must be loaded in time."""
    set_traps(trail)
    for table, column in OWN_TABLES.items():
        error = trail.attempt(None, "BEGIN", CHANGES[change].format(
            t=table, c=column, who=trail.owner, type=TYPES.get(column, "text")))
        assert is_refused(error, "refused: it belongs to audit_ext"), (table, error)


@pytest.mark.parametrize("view", OWN_VIEWS)
def test_views_are_as_they_are(trail, view):
    set_traps(trail)
    definition = trail.execute("SELECT pg_get_viewdef(%s::regclass)", (view,))[0][0].rstrip("; ")
    for statement in (f"ALTER VIEW {view} OWNER TO {trail.owner}", f"ALTER VIEW {view} RENAME TO other",
                      f"CREATE OR REPLACE VIEW {view} AS {definition}",
                      f"CREATE OR REPLACE VIEW {view} AS SELECT v.*, owned.act() AS trap FROM ({definition}) v",
                      f"CREATE TRIGGER trap INSTEAD OF INSERT ON {view} FOR EACH ROW EXECUTE FUNCTION owned.trap()"):
        assert is_refused(trail.attempt(None, statement), "it belongs to audit_ext"), statement


def test_a_role_with_all_privileges_is_refused(trail):
    """Of these, TRIGGER lets it make triggers, and REFERENCES foreign keys, which put triggers of PostgreSQL's own on the table."""
    set_traps(trail)
    for table in OWN_TABLES:
        trail.execute(f"GRANT ALL ON {table} TO {trail.owner}")
        for trap in ("trigger before", "trigger after", "trigger of a statement", "trigger of truncate"):
            error = trail.attempt(trail.owner, TRAPS[trap].format(t=table, c="c"))
            assert is_refused(error, "it belongs to audit_ext"), (table, error)
    error = trail.attempt(trail.owner, "CREATE TABLE owned.referring (name text REFERENCES audit_users)")
    assert error is None, error
    error = trail.attempt(None, "SELECT audit_create_user('alice', 'correct horse')", "SELECT audit_drop_user('alice')")
    assert error is None, error
    runs_as(trail, trail.owner)


def test_reassign_owned_is_refused(trail):
    """Where the extension belongs to a superuser who leaves."""
    trail.execute("SET audit_ext.allow_changes = on; DROP EXTENSION audit_ext CASCADE; RESET audit_ext.allow_changes")
    leaving = trail.create_role("leaving")
    trail.execute(f'ALTER ROLE {leaving} SUPERUSER; SET ROLE {leaving};'
                  f' CREATE EXTENSION audit_ext SCHEMA "Audit trail" CASCADE; RESET ROLE')
    # By PostgreSQL: event triggers belong to superusers.
    error = trail.attempt(None, f"REASSIGN OWNED BY {leaving} TO {trail.owner}")
    assert isinstance(error, psycopg2.errors.InsufficientPrivilege), error
    assert trail.execute("SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relname = ANY (%s)", (list(OWN_TABLES),)) == [(leaving,)]
    trail.execute(f'SET audit_ext.allow_changes = on; DROP EXTENSION audit_ext; RESET audit_ext.allow_changes')


def test_a_superuser_who_says_so_is_recorded(trail):
    error = trail.attempt(None, "SET audit_ext.allow_changes = on", f"ALTER TABLE audit_users OWNER TO {trail.owner}")
    assert error is None, error
    assert ("audit.changed", "audit_users") in trail.records()


UPKEEP = ["VACUUM FULL {t}", "ANALYZE {t}", "REINDEX TABLE {t}", "REINDEX TABLE CONCURRENTLY {t}", "GRANT SELECT ON {t} TO {who}",
          "COMMENT ON TABLE {t} IS 'ours'", "ALTER TABLE {t} SET (autovacuum_enabled = off)", "ALTER TABLE {t} SET TABLESPACE pg_default",
          "CREATE INDEX more ON {t} (lower({c}::text)) WHERE {c} IS NOT NULL", "ALTER TABLE {t} DISABLE TRIGGER ALL",
          "ALTER TABLE {t} ENABLE TRIGGER ALL", "CREATE VIEW owned.shown AS SELECT * FROM {t}", "ALTER TABLE {t} ALTER COLUMN {c} SET STATISTICS 10",
          "ALTER TABLE {t} REPLICA IDENTITY FULL", "DROP INDEX more", "DROP VIEW owned.shown", "TRUNCATE {t}"]


@pytest.mark.parametrize("table", OWN_TABLES)
def test_upkeep_goes_on(trail, table):
    for statement in UPKEEP:
        error = trail.attempt(None, statement.format(t=table, c=OWN_TABLES[table], who=trail.joe))
        assert error is None, (statement, error)


# Of the form NAME(ARGUMENTS) KIND: what makes a call of the extension's function ambiguous, or is called instead.
BESIDE = {
    "more arguments with defaults": "CREATE FUNCTION {s}.audit_list_json(i int DEFAULT 0) RETURNS json LANGUAGE sql AS 'SELECT NULL::json'",
    "the same and one more": "CREATE FUNCTION {s}.audit_id_matches(uuid, timestamptz, i int DEFAULT 0) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "fewer": "CREATE FUNCTION {s}.audit_create_user(text, text) RETURNS void LANGUAGE sql AS ''",
    "of another type": "CREATE FUNCTION {s}.audit_grant_reader(text) RETURNS void LANGUAGE sql AS ''",
    "variadic": "CREATE FUNCTION {s}.audit_log_text(VARIADIC text[]) RETURNS void LANGUAGE sql AS ''",
    "polymorphic": "CREATE FUNCTION {s}.audit_get(anyelement) RETURNS void LANGUAGE sql AS ''",
    "procedure": "CREATE PROCEDURE {s}.audit_maintain(i int DEFAULT 0) LANGUAGE sql AS ''",
    "function of a procedure's name": "CREATE FUNCTION {s}.audit_maintain(i int) RETURNS void LANGUAGE sql AS ''",
    "aggregate": "CREATE AGGREGATE {s}.audit_log(int) (SFUNC = int4pl, STYPE = int)",
    "renamed": "CREATE FUNCTION {s}.harmless(i int) RETURNS void LANGUAGE sql AS ''; ALTER FUNCTION {s}.harmless RENAME TO audit_log_batch",
    "moved": "CREATE FUNCTION pg_temp.audit_log_json(i int) RETURNS void LANGUAGE sql AS '';"
             " CREATE SCHEMA mine; CREATE FUNCTION mine.audit_log_json(i int) RETURNS void LANGUAGE sql AS '';"
             " ALTER FUNCTION mine.audit_log_json SET SCHEMA {s}",
}


@pytest.mark.parametrize("what", BESIDE)
def test_no_function_of_our_names_beside_ours(trail, what):
    trail.execute(f'GRANT CREATE, USAGE ON SCHEMA "Audit trail" TO {trail.joe}')
    trail.execute(f"DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {trail.joe}', current_database()); END $$")
    for who in (trail.joe, None):
        error = trail.attempt(who, "BEGIN", BESIDE[what].format(s='"Audit trail"'))
        assert is_refused(error, "audit_ext has a function of that name in this schema"), error
    assert trail.attempt(None, "SET audit_ext.allow_changes = on", BESIDE[what].format(s='"Audit trail"')) is None
    assert ("audit.changed", "audit_events") in trail.records()


def test_functions_of_other_names_and_schemas_are_nobodys_business(trail):
    trail.execute(f'GRANT CREATE, USAGE ON SCHEMA "Audit trail", owned TO {trail.joe}')
    error = trail.attempt(trail.joe, 'CREATE FUNCTION "Audit trail".audit_mine() RETURNS void LANGUAGE sql AS \'\'',
                          'ALTER FUNCTION "Audit trail".audit_mine COST 7', 'DROP FUNCTION "Audit trail".audit_mine',
                          "CREATE FUNCTION owned.audit_list(i int) RETURNS void LANGUAGE sql AS ''", "DROP FUNCTION owned.audit_list")
    assert error is None, error


def test_a_function_that_was_there_before_stops_the_installation(trail):
    """Or calls could be ambiguous from the beginning."""
    trail.execute("SET audit_ext.allow_changes = on; DROP EXTENSION audit_ext CASCADE; RESET audit_ext.allow_changes")
    trail.execute(f'GRANT CREATE ON SCHEMA "Audit trail" TO {trail.joe}')
    for statement in ("more arguments with defaults", "procedure", "aggregate"):
        assert trail.attempt(trail.joe, BESIDE[statement].format(s='"Audit trail"')) is None
        error = trail.attempt(None, 'CREATE EXTENSION audit_ext SCHEMA "Audit trail" CASCADE')
        assert isinstance(error, psycopg2.errors.AmbiguousFunction), error
        trail.execute(f'DROP OWNED BY {trail.joe}; GRANT CREATE ON SCHEMA "Audit trail" TO {trail.joe}')
    trail.execute('CREATE EXTENSION audit_ext SCHEMA "Audit trail" CASCADE')


def test_the_schema_keeps_its_name(trail):
    """Also to the owner of the schema and of the database: the functions find their tables by it."""
    trail.execute(f'ALTER SCHEMA "Audit trail" OWNER TO {trail.joe}')
    trail.execute(f"DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {trail.joe}', current_database()); END $$")
    for who in (trail.joe, None):
        assert is_refused(trail.attempt(who, 'ALTER SCHEMA "Audit trail" RENAME TO old'), "audit_ext is installed in it")
    error = trail.attempt(trail.joe, "CREATE SCHEMA mine", "ALTER SCHEMA mine RENAME TO other", "DROP SCHEMA other")
    assert error is None, error
    error = trail.attempt(None, "SET audit_ext.allow_changes = on", 'ALTER SCHEMA "Audit trail" RENAME TO old',
                          'ALTER SCHEMA old RENAME TO "Audit trail"')
    assert error is None, error
