# Attempts to change recorded events, or what guards them, by the owner of the tables and by a superuser who has not set
# audit_ext.allow_changes. Each is refused with 42501, or changes nothing.
import threading

import psycopg2
import pytest

from support import eventually
from trail import AttackedTrail

P = "audit_events_20250101"
NOTHING = """CREATE FUNCTION owned.nothing() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN IF tg_op = ''DELETE'' THEN RETURN old; END IF; RETURN new; END'"""

# What is refused to every role.
REFUSED = {
    # the guards replaced (finding 2)
    "replace the truncate guard": [NOTHING, f"CREATE OR REPLACE TRIGGER audit_guard_truncate AFTER TRUNCATE ON {P}"
                                   " FOR EACH STATEMENT EXECUTE FUNCTION owned.nothing()"],
    "replace the row guard": [NOTHING, "CREATE OR REPLACE TRIGGER audit_guard_rows BEFORE UPDATE OR DELETE ON audit_events"
                              " FOR EACH ROW EXECUTE FUNCTION owned.nothing()"],
    "replace the insert trigger": [NOTHING, "CREATE OR REPLACE TRIGGER audit_events_before_insert BEFORE INSERT ON audit_events"
                                   " FOR EACH ROW EXECUTE FUNCTION owned.nothing()"],
    # further triggers and rules, which could turn events away, and which a dump would lose (W6)
    "trigger that drops events": [NOTHING, "CREATE TRIGGER z BEFORE INSERT ON audit_events FOR EACH ROW"
                                  " EXECUTE FUNCTION owned.nothing()"],
    "trigger on a partition": [NOTHING, f"CREATE TRIGGER z BEFORE INSERT ON {P} FOR EACH ROW EXECUTE FUNCTION owned.nothing()"],
    "constraint trigger": [NOTHING, f"CREATE CONSTRAINT TRIGGER z AFTER INSERT ON {P} DEFERRABLE FOR EACH ROW"
                           " EXECUTE FUNCTION owned.nothing()"],
    "rule": ["CREATE RULE z AS ON INSERT TO audit_events DO INSTEAD NOTHING"],
    "rule on a partition": [f"CREATE RULE z AS ON DELETE TO {P} DO INSTEAD NOTHING"],
    "check constraint": ["ALTER TABLE audit_events ADD CONSTRAINT z CHECK (event_group <> 'login') NOT VALID"],
    "unique constraint": [f"ALTER TABLE {P} ADD CONSTRAINT z UNIQUE (id, user_id)"],
    "column": ["ALTER TABLE audit_events ADD COLUMN tenant text"],
    "index on the parent": ["CREATE INDEX my_corr ON audit_events (correlation_id)"],
    # renames by commands for other kinds of objects (finding 3)
    "ALTER INDEX renames the table": ["ALTER INDEX audit_events RENAME TO gone"],
    "ALTER VIEW renames the table": ["ALTER VIEW audit_events RENAME TO gone"],
    "ALTER SEQUENCE renames the table": ["ALTER SEQUENCE audit_events RENAME TO gone"],
    "ALTER MATERIALIZED VIEW renames a column": ["ALTER MATERIALIZED VIEW audit_events RENAME COLUMN status TO x"],
    "ALTER FOREIGN TABLE renames a column": ["ALTER FOREIGN TABLE audit_events RENAME COLUMN status TO x"],
    "ALTER VIEW renames a column": ["ALTER VIEW audit_events RENAME COLUMN status TO x"],
    "ALTER VIEW sets a default": ["ALTER VIEW audit_events ALTER COLUMN status SET DEFAULT 'x'"],
    "rename of a constraint": ["ALTER TABLE audit_events RENAME CONSTRAINT audit_events_created_at_range TO c1"],
    "ALTER INDEX renames a constraint's index, then drops it": [
        f"ALTER INDEX {P}_pkey RENAME TO other", f"ALTER TABLE {P} DROP CONSTRAINT other"],
    "move to another schema": ["ALTER TABLE audit_events SET SCHEMA owned"],
    # columns and values
    "same type by an expression": ["ALTER TABLE audit_events ALTER status TYPE text USING 'x'"],
    "another type": ["ALTER TABLE audit_events ALTER user_id TYPE text"],
    "not null": ["ALTER TABLE audit_events ALTER COLUMN user_agent SET NOT NULL",
                 "ALTER TABLE audit_events ALTER COLUMN status DROP NOT NULL"],
    "drop of a default": ["ALTER TABLE audit_events ALTER COLUMN created_at DROP DEFAULT"],
    "drop of a column": ["ALTER TABLE audit_events DROP COLUMN path"],
    "unlogged": [f"ALTER TABLE {P} SET UNLOGGED"],
    # triggers switched
    "all triggers off": [f"ALTER TABLE {P} DISABLE TRIGGER ALL"],
    "user triggers off": ["ALTER TABLE audit_events DISABLE TRIGGER USER"],
    "from always to origin": ["ALTER TABLE audit_events ENABLE TRIGGER audit_guard_rows"],
    "to replica": [f"ALTER TABLE {P} ENABLE REPLICA TRIGGER audit_guard_truncate"],
    "rename of a trigger": [f"ALTER TRIGGER audit_guard_truncate ON {P} RENAME TO z"],
    "drop of a trigger": [f"DROP TRIGGER audit_guard_truncate ON {P}"],
    # rows and tables
    "update": ["UPDATE audit_events SET status = 'x'"],
    "delete by a partition": [f"DELETE FROM {P} WHERE user_id = 42"],
    "merge": ["MERGE INTO audit_events t USING (SELECT 1) s ON user_id = 42 WHEN MATCHED THEN DELETE"],
    "upsert": [f"INSERT INTO {P} TABLE {P} ON CONFLICT (created_at, id) DO UPDATE SET status = 'x'"],
    "cursor": ["BEGIN", f"DECLARE c CURSOR FOR SELECT * FROM {P} FOR UPDATE", "FETCH c",
               f"DELETE FROM {P} WHERE CURRENT OF c"],
    "truncate": ["TRUNCATE audit_events"],
    "truncate of a partition": [f"TRUNCATE {P}"],
    "truncate in a function": [f"DO 'BEGIN EXECUTE ''TRUNCATE {P}''; END'"],
    "detach": [f"ALTER TABLE audit_events DETACH PARTITION {P}"],
    "drop": [f"DROP TABLE {P}"],
    "drop after a rename": [f"ALTER TABLE {P} RENAME TO innocent", "DROP TABLE innocent"],
    "drop by the schema": ["DROP SCHEMA IF EXISTS nowhere", f"DROP TABLE {P} CASCADE"],
    "drop of the filter index": [f"DROP INDEX {P}_filters"],
    "attach of the whole": ["CREATE TABLE owned.larger (LIKE audit_events) PARTITION BY RANGE (created_at)",
                            "ALTER TABLE owned.larger ATTACH PARTITION audit_events FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
                            "TRUNCATE owned.larger"],
}

# Only a superuser gets that far (finding 16).
REFUSED_TO_SUPERUSERS = {
    "replica, then detach": ["SET session_replication_role = replica", f"ALTER TABLE audit_events DETACH PARTITION {P}"],
    "replica, then delete": ["SET session_replication_role = replica", "DELETE FROM audit_events"],
    "replica, then truncate": ["SET session_replication_role = replica", f"TRUNCATE {P}"],
    "replica, then triggers off": ["SET session_replication_role = replica", f"ALTER TABLE {P} DISABLE TRIGGER USER"],
    "the hidden value": ["SET audit_ext.allow_changes = maintenance", "DELETE FROM audit_events"],
    "the hidden value by a function": ["ALTER FUNCTION audit_guard() SET audit_ext.allow_changes = maintenance"],
    "the setting by a function": ["ALTER FUNCTION audit_guard() SET audit_ext.allow_changes = on"],
    "guard replaced": ["CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END'"],
    "guard renamed": ["ALTER FUNCTION audit_guard() RENAME TO other"],
    "guard moved": ["ALTER FUNCTION audit_guard() SET SCHEMA pg_catalog"],
    "record replaced": ["CREATE OR REPLACE FUNCTION audit_record_command() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'"],
    "event trigger off": ["ALTER EVENT TRIGGER audit_ext_guard_command DISABLE"],
    "event trigger renamed": ["ALTER EVENT TRIGGER audit_ext_record_command RENAME TO z"],
    "event trigger dropped": ["DROP EVENT TRIGGER audit_ext_guard_command"],
    "event trigger out of the extension": ["ALTER EXTENSION audit_ext DROP EVENT TRIGGER audit_ext_guard_command"],
    "function out of the extension": ["ALTER EXTENSION audit_ext DROP FUNCTION audit_guard()"],
    "table into the extension": ["CREATE TABLE owned.fake (LIKE audit_events) PARTITION BY RANGE (created_at)",
                                 "ALTER EXTENSION audit_ext ADD TABLE owned.fake"],
    "table out of the extension": ["ALTER EXTENSION audit_ext DROP TABLE audit_events"],
    "extension dropped": ["DROP EXTENSION audit_ext CASCADE"],
    "another extension takes it along": ["DROP EXTENSION btree_gin CASCADE"],
}


def cases(*groups):
    return [pytest.param(statements, id=name) for group in groups for name, statements in group.items()]


@pytest.fixture(scope="module")
def untouched():
    """A trail for attempts that are rolled back, so that none sees what another has left."""
    attacked = AttackedTrail()
    try:
        yield attacked
    finally:
        attacked.drop()


# Refused by us; by PostgreSQL, for the kind of object or for what depends on it; an unknown value of a setting.
REFUSALS = ("42501", "42809", "0A000", "2BP01", "22023")


def assert_refused(trail, role, statements, **session):
    """In a session of its own, so that what loads the library into it is tried too."""
    before = trail.events()
    attempt = trail.session(role, **session)
    attempt.autocommit = False
    with pytest.raises(psycopg2.Error) as refusal, attempt.cursor() as cursor:
        for statement in statements:
            if statement != "BEGIN":
                cursor.execute(statement)
        attempt.commit()
    attempt.close()
    assert refusal.value.pgcode in REFUSALS, refusal.value
    assert trail.events() == before and trail.records() == []


@pytest.mark.parametrize("statements", cases(REFUSED))
def test_owner_is_refused(untouched, statements):
    assert_refused(untouched, untouched.owner, statements)


@pytest.mark.parametrize("statements", cases(REFUSED))
def test_superuser_is_refused(untouched, statements):
    assert_refused(untouched, None, statements)


@pytest.mark.parametrize("statements", cases(REFUSED_TO_SUPERUSERS))
def test_superuser_is_refused_on_a_server_that_preloads_the_library(untouched, statements):
    """ALTER EVENT TRIGGER sets off no event trigger that could load it."""
    assert_refused(untouched, None, statements, options="-c session_preload_libraries=audit_ext")


def assert_whole(trail, before):
    """The events are as they were, and the guards still refuse."""
    assert trail.events() == before
    for statement in ("UPDATE audit_events SET status = 'x'", "DELETE FROM audit_events", f"TRUNCATE {P}"):
        assert trail.attempt(None, statement).pgcode == "42501", statement


@pytest.mark.parametrize("rename", [f"ALTER TABLE {P} RENAME TO decoy", f"ALTER INDEX {P} RENAME TO decoy"])
@pytest.mark.parametrize("command", ["ALTER TABLE decoy DISABLE TRIGGER USER", "ALTER TABLE decoy SET UNLOGGED", "DROP TABLE decoy"])
def test_race_of_a_command_with_a_rename(trail, rename, command):
    """Finding 4: the command waits for a harmless table, and goes on when a partition has got its name."""
    before = trail.events()
    trail.execute("CREATE TABLE decoy (a int)")
    trail.execute(f'ALTER TABLE decoy OWNER TO {trail.owner}; GRANT CREATE ON SCHEMA "Audit trail" TO {trail.owner}')
    renaming, waiting = trail.session(trail.owner), trail.session(trail.owner)
    renaming.autocommit = False
    errors = []

    def run():
        try:
            waiting.cursor().execute(command)
        except psycopg2.Error as error:
            errors.append(error)

    cursor = renaming.cursor()
    cursor.execute("LOCK TABLE decoy IN ACCESS EXCLUSIVE MODE")
    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: trail.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s", (waiting.info.backend_pid,)),
               "the command waits for the table")
    cursor.execute("ALTER TABLE decoy RENAME TO decoy_old")
    cursor.execute(rename)
    renaming.commit()
    thread.join()
    renaming.close()
    waiting.close()
    # Either the waiting command found the partition, and was refused, or it had the harmless table.
    assert all(error.pgcode in ("42501", "42P01") for error in errors)
    trail.execute(f"ALTER TABLE IF EXISTS decoy RENAME TO {P}")
    assert_whole(trail, before)


def sub_partitioned(trail):
    """A partition that is partitioned itself, made by hand, with an event in a leaf that belongs to the owner."""
    trail.execute("""CREATE TABLE sub2 (LIKE audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (created_at);
      CREATE TABLE leaf2 PARTITION OF sub2 FOR VALUES FROM ('2022-01-01Z') TO ('2022-02-01Z');
      ALTER TABLE audit_events ATTACH PARTITION sub2 FOR VALUES FROM ('2022-01-01Z') TO ('2022-02-01Z')""")
    trail.execute(f"ALTER TABLE leaf2 OWNER TO {trail.owner}; ALTER TABLE sub2 OWNER TO {trail.owner}")
    trail.execute("INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2022-01-10Z', 'g', 'leaf')")


@pytest.mark.parametrize("statement", ["TRUNCATE leaf2", "TRUNCATE sub2", "DELETE FROM leaf2", "DROP TABLE leaf2",
                                       "ALTER TABLE sub2 DETACH PARTITION leaf2", "ALTER TABLE leaf2 DISABLE TRIGGER ALL",
                                       "DROP TABLE sub2", "ALTER TABLE leaf2 ALTER status TYPE text USING 'x'"])
@pytest.mark.parametrize("is_preloaded", [True, False])
def test_leaves_at_any_depth_are_guarded(trail, statement, is_preloaded):
    """Finding 17. Without the library in every session, a TRUNCATE needs the trigger that maintenance gives the leaf."""
    sub_partitioned(trail)
    if is_preloaded:
        trail.execute(f"ALTER ROLE {trail.owner} LOGIN; ALTER DATABASE {trail.name} SET session_preload_libraries = audit_ext")
    else:
        trail.execute("CALL audit_maintain()")
    before = trail.events()
    error = trail.attempt(trail.owner, statement)
    assert error is not None and error.pgcode in ("42501", "42P16"), error
    assert trail.events() == before


def test_an_empty_shell_of_citus_is_no_empty_trail(trail):
    """Citus keeps the rows elsewhere and lists such tables in pg_dist_partition."""
    trail.execute("""SET allow_system_table_mods = on;
      CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass NOT NULL); RESET allow_system_table_mods;
      SELECT audit_create_partition('2021-01-01Z', '2021-02-01Z');
      INSERT INTO pg_catalog.pg_dist_partition VALUES ('audit_events'), ('audit_events_20210101')""")
    for statement in ("DROP TABLE audit_events_20210101", "DROP TRIGGER audit_guard_rows ON audit_events"):
        assert trail.attempt(None, statement).pgcode == "42501", statement
    engine = trail.execute("SELECT value FROM audit_explain() WHERE name IN ('engine', 'reason') ORDER BY name")
    assert engine == [("sql",), ("audit_shards does not know all shards",)]


def test_policies_are_the_owners_but_recorded(trail):
    """Finding 22."""
    assert trail.attempt(
        trail.owner, "CREATE POLICY hide ON audit_events AS RESTRICTIVE FOR SELECT USING (user_id IS DISTINCT FROM 42)",
        "ALTER POLICY hide ON audit_events USING (user_id IS DISTINCT FROM 43)", "ALTER POLICY hide ON audit_events RENAME TO h",
        "ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY", "ALTER TABLE audit_events FORCE ROW LEVEL SECURITY",
        "ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY", "DROP POLICY h ON audit_events") is None
    commands = [command for command, in trail.execute(
        "SELECT event_payload ->> 'command' FROM audit_events WHERE event_group = 'audit' ORDER BY created_at, id")]
    assert commands == [
        "CREATE POLICY hide", "ALTER POLICY hide", "ALTER POLICY h", "ALTER TABLE: row-level security is on",
        "ALTER TABLE: row-level security is on, for the owner too",
        "ALTER TABLE: row-level security is off, for the owner too", "DROP POLICY h"]


def test_a_superuser_who_says_so_is_recorded(trail):
    changes = ("TRUNCATE audit_events_20250101", "CREATE OR REPLACE TRIGGER audit_guard_rows BEFORE UPDATE ON audit_events"
               " FOR EACH ROW EXECUTE FUNCTION audit_guard()", "ALTER TABLE audit_events ALTER path SET DEFAULT 'x'",
               "CREATE RULE z AS ON DELETE TO audit_events DO NOTHING", "ALTER EXTENSION audit_ext DROP FUNCTION audit_guard_rewrite()",
               "ALTER FUNCTION audit_guard() COST 2")
    assert trail.attempt(None, "SET audit_ext.allow_changes = on", *changes) is None
    commands = [command for command, in trail.execute(
        "SELECT DISTINCT event_payload ->> 'command' FROM audit_events WHERE event_group = 'audit' ORDER BY 1")]
    assert commands == ["ALTER EXTENSION", "ALTER FUNCTION", "ALTER TABLE", "CREATE RULE", "CREATE TRIGGER", "TRUNCATE"]


def test_what_was_rolled_back_is_not_recorded(trail):
    session = trail.session()
    session.autocommit = False
    with session.cursor() as cursor:
        cursor.execute("SET audit_ext.allow_changes = on")
        cursor.execute("SAVEPOINT s")
        cursor.execute("CREATE RULE z AS ON DELETE TO audit_events DO NOTHING")
        cursor.execute("ROLLBACK TO s")
        cursor.execute("CREATE TABLE owned.harmless (x int)")
    session.commit()
    session.close()
    assert trail.records() == []


HARMLESS = ["CREATE TEMP TABLE t (x int)", "ALTER TABLE t ADD COLUMN y int", "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()", "DROP TRIGGER a ON t", "CREATE RULE r AS ON INSERT TO t DO NOTHING",
            "ALTER TABLE t RENAME TO u", "TRUNCATE u", "DROP TABLE u", "VACUUM FULL audit_events", f"REINDEX TABLE {P}",
            f"REINDEX INDEX CONCURRENTLY {P}_filters", f"CREATE INDEX CONCURRENTLY corr ON {P} (correlation_id)", "DROP INDEX corr",
            f"ALTER TABLE {P} SET (autovacuum_enabled = off)", "ALTER TABLE audit_events ALTER path SET STATISTICS 10",
            f"ALTER TABLE {P} SET TABLESPACE pg_default", f"CLUSTER {P} USING {P}_pkey", f"ALTER TABLE {P} RENAME TO january",
            f"ALTER TABLE january RENAME TO {P}", "COMMENT ON TABLE audit_events IS 'x'", "ANALYZE audit_events",
            "ALTER TABLE audit_events_default OWNER TO CURRENT_USER"]


def test_what_changes_no_event_goes_on(trail):
    before = trail.events()
    assert trail.attempt(None, *HARMLESS) is None
    assert trail.events() == before and trail.records() == []


def test_the_status_says_what_is_not_guarded(trail):
    def gaps(**session):
        with trail.session(**session) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT is_preloaded, guard_gaps FROM audit_status")
            return cursor.fetchone()
    preloaded = {"options": "-c session_preload_libraries=audit_ext"}
    is_preloaded, text = gaps()
    assert not is_preloaded and text.startswith("not preloaded")
    assert gaps(**preloaded) == (True, None)
    sub_partitioned(trail)
    assert "leaf2 has no guards" in gaps(**preloaded)[1]
    trail.execute("CALL audit_maintain()")
    assert gaps(**preloaded) == (True, None)
    trail.execute("LOAD 'audit_ext'")
    trail.execute("SET audit_ext.allow_changes = on")
    trail.execute("ALTER EVENT TRIGGER audit_ext_guard_command DISABLE")
    assert gaps(**preloaded)[1] == "event trigger audit_ext_guard_command does not always fire"
