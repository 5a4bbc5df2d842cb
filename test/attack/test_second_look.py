# Attempts at what the other files guard, by those who have read them: odd settings of a session or a database, floods,
# dumps that were written by hand.
import threading

import psycopg2
import pytest

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


def test_a_flood_of_notices_delays_nobody(trail, start_daemon):
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


# A superuser's session in such a database must neither lose events nor run anything as somebody else.
ODD_SETTINGS = {
    "default_transaction_isolation": "serializable", "standard_conforming_strings": "off", "array_nulls": "off",
    "transform_null_equals": "on", "quote_all_identifiers": "on", "row_security": "off", "bytea_output": "escape",
    "default_toast_compression": "pglz", "lc_messages": "C", "constraint_exclusion": "off", "plan_cache_mode": "force_generic_plan",
    "DateStyle": "German, DMY", "TimeZone": "Asia/Shanghai", "IntervalStyle": "sql_standard", "extra_float_digits": "-15",
    "search_path": "owned", "default_statistics_target": "1", "synchronous_commit": "off", "enable_indexscan": "off",
    "force_parallel_mode": "on", "session_replication_role": "replica",
}


def test_maintenance_under_the_odd_settings_of_a_database(trail):
    trail.execute("SELECT audit_log('g', 'old', created_at => now() - n * interval '20 days') FROM generate_series(1, 5) n")
    before = trail.events()
    usual = trail.connect()
    for name, value in ODD_SETTINGS.items():
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
