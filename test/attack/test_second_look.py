# Attempts at what the other files guard, by attackers who have read them. They have odd settings of a session or a
# database, floods, and dumps that were written by hand.
import threading
import uuid

import psycopg2
import pytest

from http_client import EVENTS
from support import eventually


def call_maintenance(trail, *settings):
    """In a thread; its error, if any, is in the list that is returned with it."""
    errors = []

    def run():
        error = trail.attempt(None, *settings, "CALL audit_maintain()")
        if error is not None:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_maintenance_sees_what_comes_while_it_waits_whatever_the_isolation(trail, isolation):
    """What goes back into the default partition was recorded a moment ago, after an old snapshot."""
    trail.execute("SELECT audit_configure(partition_every => 'day', premake => 1, max_ahead => '1 year')")
    before = trail.events()
    blocker = trail.session()
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE ONLY audit_events IN ACCESS SHARE MODE")
    thread, errors = call_maintenance(trail, f"SET default_transaction_isolation = '{isolation}'")
    eventually(lambda: trail.execute("SELECT 1 FROM pg_locks WHERE relation = 'audit_events'::regclass AND NOT granted"
                                     " AND mode = 'AccessExclusiveLock'"), "maintenance waits to finish the move")
    for days in range(100, 110):
        trail.execute("SELECT audit_log('g', 'later', created_at => now() + %s * interval '1 day')", (days,))
    blocker.close()
    thread.join()
    assert errors == []
    assert len(trail.events()) == len(before) + 10
    step = trail.attempt(None, f"SET default_transaction_isolation = '{isolation}'", "SELECT audit_run_step('move_finish')")
    assert step.pgcode == "55000"


def test_a_flood_of_notices_delays_no_request(trail, start_daemon):
    """Any role may NOTIFY. The daemon forgets whom it remembers, asks again, and still hears of what changed."""
    key = trail.create_api_key("r", scopes=["audit:read"])
    client = start_daemon(trail).client
    is_over = threading.Event()
    flooding = trail.session(trail.joe)

    def flood():
        with flooding.cursor() as cursor:
            while not is_over.is_set():
                cursor.execute("SELECT pg_notify('audit_ext_principals', CASE g WHEN 1 THEN '' ELSE repeat(g::text, 1000) END)"
                               " FROM generate_series(1, 100) g")

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        assert [client.list(key, limit=1).status for _ in range(200)] == [200] * 200
        trail.call("audit_revoke_api_key", "r")
        eventually(lambda: client.list(key, limit=1).status == 401, "the revocation is heard")
    finally:
        is_over.set()
        thread.join()
        flooding.close()


# A superuser's session in such a database must neither lose events nor run anything with another role's rights.
ODD_SETTINGS = {
    "default_transaction_isolation": "serializable", "standard_conforming_strings": "off", "array_nulls": "off",
    "transform_null_equals": "on", "quote_all_identifiers": "on", "row_security": "off", "bytea_output": "escape",
    "default_toast_compression": "pglz", "lc_messages": "C", "constraint_exclusion": "off", "plan_cache_mode": "force_generic_plan",
    "DateStyle": "German, DMY", "TimeZone": "Asia/Shanghai", "IntervalStyle": "sql_standard", "extra_float_digits": "-15",
    "search_path": "owned", "default_statistics_target": "1", "synchronous_commit": "off", "enable_indexscan": "off",
    "session_replication_role": "replica",
}


def test_maintenance_under_the_odd_settings_of_a_database(trail):
    trail.execute("SELECT audit_log('g', 'old', created_at => now() - n * interval '20 days') FROM generate_series(1, 5) n")
    before = trail.events()
    usual = trail.connect()
    force_parallel = "debug_parallel_query" if usual.server_version >= 160000 else "force_parallel_mode"
    for name, value in {**ODD_SETTINGS, force_parallel: "on"}.items():
        trail.execute(f"ALTER DATABASE {trail.name} SET {name} = '{value}'")
    assert trail.attempt(None, "SELECT set_config('search_path', '\"Audit trail\"', false)", "CALL audit_maintain()") is None
    assert trail.events() == before
    with usual.cursor() as cursor:
        cursor.execute("SELECT is_behind, last_error, default_events FROM audit_status")
        assert cursor.fetchone() == (False, None, 0)
        cursor.execute("SELECT bool_and(extract(hour FROM since AT TIME ZONE 'UTC') = 0) FROM audit_partitions() WHERE NOT is_default")
        assert cursor.fetchone() == (True,)
    usual.close()


HOSTILE_ROWS = {
    "a command": "ALTER ROLE {joe} SUPERUSER",
    "two statements": "CREATE POLICY p ON audit_events USING (true); ALTER ROLE {joe} SUPERUSER",
    "two commands": "ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY, DISABLE TRIGGER ALL",
    "another switch": "ALTER TABLE audit_events DISABLE TRIGGER ALL",
    "a comment before": "/* CREATE POLICY */ -- \n ALTER ROLE {joe} SUPERUSER",
    "a function": "SELECT set_config('audit_ext.allow_changes', 'on', false)",
    "a block": "DO 'BEGIN ALTER ROLE {joe} SUPERUSER; END'",
    "nothing": "",
    "no SQL": "CREATE POLICY p ON",
    "a copy to a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "a drop": "DROP POLICY p ON audit_events",
    "an empty text of spaces": "   ;  ; ",
}


@pytest.mark.parametrize("row", HOSTILE_ROWS)
def test_a_hostile_dump_runs_nothing_by_a_row_of_policies(trail, row):
    before = trail.events()
    statement = HOSTILE_ROWS[row].format(joe=trail.joe)
    error = trail.attempt(None, "SELECT set_config('search_path', '\"Audit trail\"', false)",
                          f"INSERT INTO audit_policies VALUES ($x${statement}$x$)")
    assert error is not None and error.pgcode in ("22023", "42601"), error
    assert trail.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", (trail.joe,)) == [(False,)]
    assert trail.attempt(None, "DELETE FROM audit_events").pgcode == "42501" and trail.events() == before


ON = "SET audit_ext.allow_changes = on"
NO_RECORD = ("CREATE OR REPLACE FUNCTION audit_record_command() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",)
DROP = "DROP TABLE audit_events_20250101"
HIDDEN_CHANGES = {
    "event trigger off": (ON, "ALTER EVENT TRIGGER audit_ext_record_command DISABLE", DROP),
    "event trigger off and on": (ON, "BEGIN", "ALTER EVENT TRIGGER audit_ext_record_command DISABLE", DROP,
                                 "ALTER EVENT TRIGGER audit_ext_record_command ENABLE ALWAYS", "COMMIT"),
    "renamed": (ON, "ALTER EVENT TRIGGER audit_ext_record_command RENAME TO z", "ALTER EVENT TRIGGER z DISABLE", DROP),
    "record replaced": (ON, *NO_RECORD, DROP),
    "in a block": (ON, "DO $$ BEGIN SET session_replication_role = replica; DROP TABLE audit_events_20250101; END $$"),
    "switched off at once": (ON, "BEGIN", "ALTER EVENT TRIGGER audit_ext_record_command DISABLE", DROP,
                             "SET audit_ext.allow_changes = off", "COMMIT"),
    "in a savepoint": (ON, "BEGIN", "SAVEPOINT a", *NO_RECORD, "SAVEPOINT b", DROP, "RELEASE b", "RELEASE a", "COMMIT"),
}


@pytest.mark.parametrize("statements", HIDDEN_CHANGES.values(), ids=HIDDEN_CHANGES)
def test_a_superuser_cannot_hide_what_the_setting_allows(trail, statements):
    """Where the library is preloaded: also what is done by commands that fire no event trigger."""
    session = trail.connect(options="-c session_preload_libraries=audit_ext")
    with session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    session.close()
    assert len(trail.events()) == 100
    assert ("audit.changed", "audit_events_20250101") in trail.records()


def test_what_the_setting_allows_is_forgotten_where_it_was_undone(trail):
    session = trail.connect(options="-c session_preload_libraries=audit_ext")
    with session.cursor() as cursor:
        for statement in (ON, "BEGIN", "ALTER EVENT TRIGGER audit_ext_record_command DISABLE", "ROLLBACK", "BEGIN", "SAVEPOINT a",
                          "ALTER EVENT TRIGGER audit_ext_record_command DISABLE", "ROLLBACK TO a", "COMMIT"):
            cursor.execute(statement)
        assert trail.records() == []
        cursor.execute("DROP EXTENSION audit_ext CASCADE")
    session.close()


def test_policies_of_any_length_are_saved_for_dumps(trail):
    ids = ", ".join(f"'{uuid.uuid4()}'" for _ in range(500))
    assert trail.attempt(trail.owner, f"CREATE POLICY long ON audit_events FOR SELECT USING (vm_id IN ({ids}))") is None
    (statement,), = trail.execute("SELECT statement FROM audit_policies")
    assert len(statement) > 18_000
    assert trail.attempt(None, "DROP POLICY long ON audit_events", f"INSERT INTO audit_policies VALUES ($x${statement}$x$)") is None
    assert trail.execute("SELECT count(*) FROM pg_policies WHERE tablename = 'audit_events'") == [(1,)]


FORGED = '{"event_group":"audit","event_type":"audit.changed","actor_id":"postgres"}'
FORGERIES = {
    "insert": "INSERT INTO audit_events (event_group, event_type) VALUES ('audit', 'audit.changed')",
    "into a partition": "INSERT INTO audit_events_20250101 (created_at, event_group, event_type)"
                        " VALUES ('2025-01-20Z', 'audit', 'audit.changed')",
    "several": "INSERT INTO audit_events (event_group, event_type) SELECT g, 'audit.changed' FROM unnest('{a,audit}'::text[]) g",
    "as char": "INSERT INTO audit_events (event_group, event_type) SELECT 'audit'::char(5)::text, 'audit.changed'",
    "log": "SELECT audit_log('audit', 'audit.changed')",
    "log once": "SELECT audit_log('audit', 'audit.changed', id => gen_random_uuid())",
    "batch": "SELECT audit_log_batch('[{\"event_group\":\"a\",\"event_type\":\"b\"}," + FORGED + "]')",
    "escaped": "SELECT audit_log_batch('[" + FORGED.replace('"audit"', '"\\u0061udit"') + "]')",
    "prepared": "PREPARE p (text) AS INSERT INTO audit_events (event_group, event_type) VALUES ($1, 'b'); EXECUTE p ('audit')",
    "without row security": "SET row_security = off; INSERT INTO audit_events (event_group, event_type) VALUES ('audit', 'b')",
}


# A superuser without row security restores.
@pytest.mark.parametrize("role, forgery", [(role, forgery) for role in ("writer", "owner", None) for forgery in FORGERIES
                                           if role or forgery != "without row security"])
def test_no_role_records_in_the_extensions_name(trail, role, forgery):
    if role == "owner":
        trail.call("audit_grant_writer", trail.owner)
        trail.execute(f'GRANT SELECT, INSERT, DELETE ON audit_id_claims TO "{trail.owner}"')
    if role == "writer" and forgery == "into a partition":
        trail.execute(f'GRANT INSERT ON audit_events_20250101 TO "{trail.writer}"')
    error = trail.attempt(role and getattr(trail, role), FORGERIES[forgery])
    assert error.pgcode == "42501" and error.diag.column_name == "event_group", error
    assert trail.records() == [] and len(trail.events()) == 200


def test_over_http_no_caller_records_in_the_extensions_name(trail, start_daemon):
    trail.call("audit_grant_writer", trail.frontend)
    key = trail.create_api_key("w", scopes=["audit:write"])
    answer = start_daemon(trail).client.request("POST", EVENTS, key, headers={"Content-Type": "application/json"}, data=FORGED)
    assert answer.status == 422 and answer.json()["detail"][0]["loc"] == ["body", 0, "event_group"], answer.body
    assert trail.records() == []


def test_records_survive_maintenance_and_restores(trail):
    """What is put back is not recorded anew."""
    trail.execute("SELECT audit_hold(NULL, NULL, 'case 1')")
    assert len(trail.records()) == 1
    assert trail.attempt(None, "CALL audit_maintain()") is None
    assert len(trail.records()) == 1
    assert trail.attempt(None, "SET row_security = off", "CREATE TEMP TABLE t AS TABLE audit_events",
                         "UPDATE t SET id = gen_random_uuid()",
                         "INSERT INTO audit_events SELECT * FROM t WHERE event_group = 'audit'") is None
    assert len(trail.records()) == 2
