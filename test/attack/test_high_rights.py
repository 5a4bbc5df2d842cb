# The extension's code with high rights never runs another role's code. Code that a table's owner has put on it runs with that
# owner's own rights or not at all. So does code that another role has created beside the extension's objects.
import uuid

import pytest
from psycopg2 import sql

# {who}: the attacker, who becomes superuser where the function runs with a superuser's rights.
TRAP = """
CREATE TABLE owned.seen (by name);
GRANT INSERT, SELECT ON owned.seen TO PUBLIC;
CREATE FUNCTION owned.act() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO owned.seen VALUES (current_user);
  IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE {who} SUPERUSER'; END IF;
  RETURN true;
END $$;
CREATE FUNCTION owned.evil(anyelement) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN owned.act(); END';
-- Immutable, so that it may be in an index, and is called while a statement is planned.
CREATE FUNCTION owned.folded(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM owned.act(); RETURN true; END';
CREATE FUNCTION owned.evil_text() RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM owned.act(); RETURN ''x''; END';
CREATE FUNCTION owned.trap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM owned.act(); RETURN NEW; END';
CREATE DOMAIN owned.trapped AS text CHECK (owned.evil(VALUE));
"""

# On a table {t} that has a column {c}.
TRAPS = {
    "check": "ALTER TABLE {t} ADD CONSTRAINT trap CHECK (owned.evil({c}))",
    "check that is folded": "ALTER TABLE {t} ADD CONSTRAINT trap CHECK (owned.folded('x'))",
    "default": "ALTER TABLE {t} ADD COLUMN trap text DEFAULT owned.evil_text()",
    "domain": "ALTER TABLE {t} ADD COLUMN trap owned.trapped DEFAULT 'x'",
    "generated column": "ALTER TABLE {t} ADD COLUMN trap boolean GENERATED ALWAYS AS (owned.folded({c}::text)) STORED",
    "index expression": "CREATE INDEX trap ON {t} (owned.folded({c}::text))",
    "index predicate": "CREATE INDEX trap ON {t} ({c}) WHERE owned.folded('x')",
    "trigger before": "CREATE TRIGGER a_trap BEFORE INSERT OR UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION owned.trap()",
    "trigger after": "CREATE TRIGGER z_trap AFTER INSERT OR UPDATE OR DELETE ON {t} FOR EACH ROW EXECUTE FUNCTION owned.trap();"
                     " ALTER TABLE {t} ENABLE ALWAYS TRIGGER z_trap",
    "trigger of a statement": "CREATE TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON {t} FOR EACH STATEMENT EXECUTE FUNCTION owned.trap()",
    "trigger of truncate": "CREATE TRIGGER trap BEFORE TRUNCATE ON {t} FOR EACH STATEMENT EXECUTE FUNCTION owned.trap()",
    "policy": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY; ALTER TABLE {t} FORCE ROW LEVEL SECURITY;"
              " CREATE POLICY trap ON {t} USING (owned.evil({c})) WITH CHECK (owned.evil({c}))",
    "rule": "CREATE RULE trap AS ON INSERT TO {t} DO ALSO SELECT owned.act()",
    "statistics": "CREATE STATISTICS trap ON (owned.folded({c}::text)), {c} FROM {t}",
}


def set_trap(trail, who, trap, tables, column):
    """By a superuser with the guards lifted: the guards refuse most of it, but nothing may depend on that."""
    trail.attempt(who, TRAP.format(who=who).replace("CREATE TABLE owned", "CREATE TABLE IF NOT EXISTS owned"))
    error = None
    for table in tables:
        error = trail.attempt(None, "SET audit_ext.allow_changes = on", trap.format(t=table, c=column)) or error
    assert error is None, error
    # What the superuser's own commands have run above does not count.
    trail.execute(sql.SQL("TRUNCATE owned.seen; ALTER ROLE {} NOSUPERUSER").format(sql.Identifier(who)))


def give_away(trail, table, who):
    """By a superuser who says so: the guards refuse it otherwise (test_own_objects.py)."""
    error = trail.attempt(None, "SET audit_ext.allow_changes = on", f"ALTER TABLE {table} OWNER TO {who}")
    assert error is None, error


def runs_as(trail, *allowed):
    seen = {name for name, in trail.execute("SELECT DISTINCT by FROM owned.seen")}
    superusers = {name for name, in trail.execute("SELECT rolname FROM pg_roles WHERE rolsuper AND rolname = ANY (%s)", (
        [trail.owner, trail.joe, trail.maintainer, trail.writer],))}
    assert superusers == set() and seen <= set(allowed), (seen, superusers)


def use_everything(trail):
    """Calls every function that runs with others' rights. Which errors they report does not matter here."""
    superuser = ("SELECT audit_configure(keep => '1 month')", "SELECT audit_hold(NULL, NULL, 'case 1')", "SELECT audit_release(1)",
                 "SELECT * FROM audit_status", "SELECT audit_create_partition('2020-01-01Z', '2020-02-01Z')")
    errors = [trail.attempt(None, statement) for statement in superuser]
    errors.append(trail.attempt(trail.maintainer, "CALL audit_maintain()"))
    errors.append(trail.attempt(trail.maintainer, "SELECT * FROM audit_status"))
    errors.append(trail.attempt(None, "CALL audit_maintain()"))
    return [error for error in errors if error is not None]


@pytest.mark.parametrize("trap", TRAPS)
def test_what_the_owner_put_on_the_trail_runs_as_the_owner(trail, trap):
    table = "audit_events_default" if trap in ("trigger of truncate", "rule", "statistics") else "audit_events"
    set_trap(trail, trail.owner, TRAPS[trap], [table], "event_group")
    use_everything(trail)
    runs_as(trail, trail.owner)


@pytest.mark.parametrize("trap", ["index predicate", "trigger after"])
def test_so_does_what_is_on_the_default_partition(trail, trap):
    set_trap(trail, trail.owner, TRAPS[trap], ["audit_events_default"], "event_group")
    assert use_everything(trail) == []
    runs_as(trail, trail.owner)


def test_events_are_moved_whatever_is_on_the_table(trail):
    set_trap(trail, trail.owner, TRAPS["check"], ["audit_events"], "event_group")
    before = trail.events()
    assert trail.attempt(trail.maintainer, "CALL audit_maintain()") is None
    assert trail.events() == before
    assert trail.execute("SELECT default_events, last_error FROM audit_status")[0] == (0, None)
    runs_as(trail, trail.owner)


@pytest.mark.parametrize("parent, default", [("owner", None), (None, "owner"), ("owner", "joe")])
def test_parts_of_the_trail_may_belong_to_different_roles(trail, parent, default):
    """If the parent belongs to another role and the default partition to a superuser, the superuser's rights are not used."""
    superuser = trail.execute("SELECT current_user")[0][0]
    for table, who in (("audit_events", parent), ("audit_events_default", default)):
        name = getattr(trail, who) if who else superuser
        trail.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(table), sql.Identifier(name)))
    set_trap(trail, trail.owner, TRAPS["check"], ["audit_events"], "event_group")
    before = trail.events()
    use_everything(trail)
    if parent is not None:
        runs_as(trail, trail.owner, trail.joe)
    owners = trail.execute("SELECT DISTINCT relowner FROM pg_class WHERE relname ~ '^audit_events(_default|_[0-9]+)?$'")
    assert len(owners) == 1 and len(trail.events()) == len(before) - 100  # keep was a month: those of 2025 are gone


# The extension's other tables, given to another role.
OTHER_TABLES = {"audit_holds": "reason", "audit_configuration": "partition_every", "audit_maintenance": "error", "audit_id_claims": "id"}


@pytest.mark.parametrize("table", OTHER_TABLES)
@pytest.mark.parametrize("trap", ["check", "index predicate", "trigger after", "rule"])
def test_so_does_what_is_on_a_table_that_was_given_away(trail, table, trap):
    give_away(trail, table, trail.owner)
    set_trap(trail, trail.owner, TRAPS[trap], [table], OTHER_TABLES[table])
    errors = use_everything(trail)
    assert trap == "rule" or errors == [], errors  # INSERT ... RETURNING cannot have one
    given = str(uuid.uuid4())
    for is_new in ("true", "false"):
        statement = f"""SELECT 1 / (is_new = {is_new})::int FROM audit_log_batch('[{{"event_group":"g","event_type":"t","id":"{given}"}}]')"""
        error = trail.attempt(trail.writer, statement)
        assert error is None or trap == "rule", error
    runs_as(trail, trail.owner)


def test_given_ids_are_recorded_once_for_every_owner(trail):
    """Finding 14."""
    given = str(uuid.uuid4())
    for _ in range(2):
        assert trail.attempt(trail.writer, f"SELECT audit_log('g', 'given', id => '{given}')") is None
    assert trail.execute("SELECT count(*) FROM audit_events WHERE event_type = 'given'")[0][0] == 1


OVERLOADS = """
DO $do$
DECLARE
  ours record;
BEGIN
  FOR ours IN
    SELECT DISTINCT p.proname, p.prokind FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
    WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext') AND p.prokind = 'f'
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION %I.%I(text) RETURNS boolean LANGUAGE plpgsql AS ''BEGIN RETURN owned.act(); END''', 'Audit trail', ours.proname);
    EXCEPTION WHEN duplicate_function THEN NULL;
    END;
    BEGIN
      EXECUTE format('CREATE FUNCTION %I.%I() RETURNS boolean LANGUAGE plpgsql AS ''BEGIN RETURN owned.act(); END''', 'Audit trail', ours.proname);
    EXCEPTION WHEN duplicate_function THEN NULL;
    END;
  END LOOP;
END $do$
"""
OPERATORS = """
CREATE FUNCTION owned.equal(oid, regclass) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN owned.act(); END';
CREATE FUNCTION owned.equal(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN owned.act(); END';
CREATE OPERATOR "Audit trail".= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = owned.equal);
CREATE OPERATOR "Audit trail".<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = owned.equal);
"""


@pytest.mark.parametrize("beside", ["overloads", "operators"])
def test_what_is_beside_our_objects_is_never_called(trail, beside):
    """Findings 9 and 21: a role that may CREATE in the extension's schema. Overloads take a superuser who allows changes."""
    trail.execute(sql.SQL("GRANT CREATE ON SCHEMA {} TO {}; GRANT CREATE ON SCHEMA owned TO {}").format(
        sql.Identifier("Audit trail"), sql.Identifier(trail.joe), sql.Identifier(trail.joe)))
    assert trail.attempt(trail.joe, TRAP.format(who=trail.joe)) is None
    error = (trail.attempt(None, "SET audit_ext.allow_changes = on", OVERLOADS) if beside == "overloads" else
             trail.attempt(trail.joe, OPERATORS))
    assert error is None, error
    before = trail.events()
    assert use_everything(trail) == []
    assert len(trail.events()) == len(before) - 100  # keep is a month: those of 2025 are gone
    runs_as(trail)


RENAMED = """
CREATE SCHEMA "Audit trail";
CREATE TABLE "Audit trail".audit_policies (statement text);
CREATE TABLE "Audit trail".audit_users (username text, password_hash text, scopes text[], user_id bigint, db_role text, token_epoch int);
CREATE VIEW "Audit trail".audit_api_keys AS SELECT owned.act()::text AS name, ''::bytea AS key_sha256, '{x}'::text[] AS scopes, 1::bigint AS user_id,
  ''::text AS db_role, now() AS created_at, NULL::timestamptz AS expires_at, NULL::timestamptz AS revoked_at;
CREATE FUNCTION "Audit trail".audit_policy_statements() RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN PERFORM owned.act(); RETURN; END';
CREATE FUNCTION "Audit trail".audit_partitions(regclass) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN owned.act(); END';
CREATE FUNCTION "Audit trail".audit_is_password(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN owned.act(); END';
CREATE FUNCTION "Audit trail".audit_effective_configuration() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN owned.act(); END';
CREATE TABLE "Audit trail".t (a int);
GRANT USAGE ON SCHEMA "Audit trail" TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA "Audit trail" TO PUBLIC
"""


def test_a_renamed_schema_leads_nowhere(trail):
    """Finding 8: the schema is renamed, by a superuser who says so, and another is made in its place."""
    trail.execute(sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(sql.Identifier("Audit trail"), sql.Identifier(trail.joe)))
    trail.execute(sql.SQL("DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO %I', current_database(), {}); END $$").format(
        sql.Literal(trail.joe)))
    trail.execute(sql.SQL("GRANT CREATE ON SCHEMA owned TO {}").format(sql.Identifier(trail.joe)))
    assert trail.attempt(trail.joe, TRAP.format(who=trail.joe)) is None
    assert trail.attempt(None, "SET audit_ext.allow_changes = on", 'ALTER SCHEMA "Audit trail" RENAME TO old') is None
    assert trail.attempt(trail.joe, RENAMED) is None
    for statement in ('ALTER TABLE "Audit trail".t ADD COLUMN b int', "CALL old.audit_maintain()", "SELECT * FROM old.audit_status",
                      "SELECT old.audit_hold(NULL, NULL, 'x')", "SELECT old.audit_configure()",
                      "SELECT * FROM old.audit_authenticate_token('x', 1)", "SELECT * FROM old.audit_authenticate_api_key('x')",
                      "SELECT * FROM old.audit_authenticate_certificate('x')", "SELECT * FROM old.audit_find_answer('p', 'k', 'x')",
                      "SELECT * FROM old.audit_keep_answer('p', 'k', 'x', 'null')"):
        error = trail.attempt(None, "SET search_path = pg_catalog", statement)
        assert error is None, (statement, error)
    error = trail.attempt(trail.joe, 'ALTER TABLE "Audit trail".t ADD COLUMN c int')
    assert error is None, error
    runs_as(trail)
    assert trail.execute("SELECT count(*) FROM old.audit_events WHERE event_type IN ('audit.held', 'audit.configured')")[0][0] == 2


def test_anybodys_alter_table_goes_on_while_the_trail_has_another_name(trail):
    """Finding 19."""
    trail.execute("CREATE TABLE unrelated (a int)")
    error = trail.attempt(None, "SET audit_ext.allow_changes = on", "ALTER INDEX audit_events RENAME TO gone",
                          "ALTER TABLE unrelated ADD COLUMN b int", "ALTER INDEX gone RENAME TO audit_events")
    assert error is None, error
