# A step of maintenance proves by itself that the one before it was done; and writers do not steer it.
import io
import itertools
import json
import uuid

import psycopg2
import pytest
from psycopg2 import sql

STEPS = ("guard_partitions", "record_left", "move_begin", "move_copy", "move_analyze", "move_wait", "move_finish", "move_clean",
         "create_due", "drop_expired", "flush_past")


def run(cursor, step):
    """The outcome of a step, as a superuser has it who calls it by hand."""
    try:
        cursor.execute("SELECT audit_run_step(%s)", (step,))
        return cursor.fetchone()[0]
    except psycopg2.errors.LockNotAvailable:
        return "busy"


def maintain(trail, *statements, role=None):
    return trail.attempt(role, *statements, "CALL audit_maintain()")


def test_a_maintainer_may_call_maintenance_and_nothing_else(trail):
    before = trail.events()
    granted = trail.execute(
        "SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'"
        " WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext') AND p.proname NOT IN ('audit_id_matches', 'audit_shard_page')"
        " AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY 1", (trail.maintainer,))
    assert [name for name, in granted] == ["audit_maintain", "audit_read_status"]
    for step in STEPS:
        error = trail.attempt(trail.maintainer, f"SELECT audit_run_step('{step}')")
        assert error.pgcode == "42501", (step, error)
    assert trail.events() == before
    assert maintain(trail, role=trail.maintainer) is None
    assert trail.events() == before


@pytest.mark.parametrize("order", list(itertools.permutations(("move_begin", "move_copy", "move_wait", "move_finish"), 2))
                         + [("move_begin", "move_finish", "move_clean"), ("move_begin", "move_wait", "move_finish"),
                            ("move_begin", "move_copy", "move_finish", "move_clean", "move_begin", "move_finish"),
                            ("move_finish", "move_clean", "drop_expired", "create_due")],
                         ids=" ".join)
def test_steps_out_of_order_lose_nothing(trail, order):
    before = trail.events()
    session = trail.session()
    with session.cursor() as cursor:
        for step in order:
            run(cursor, step)
            assert trail.events() == before, step
    session.close()
    assert maintain(trail) is None and trail.events() == before


def copy_all(cursor):
    while run(cursor, "move_copy") == "more":
        pass
    assert run(cursor, "move_wait") == "done"


def test_copies_that_were_rolled_back_do_not_count(trail):
    before = trail.events()
    session = trail.session()
    with session.cursor() as cursor:
        assert run(cursor, "move_begin") == "done"
        cursor.execute("BEGIN")
        while run(cursor, "move_copy") == "more":
            pass
        assert run(cursor, "move_wait") == "again"  # nor does what is not committed yet
        cursor.execute("ROLLBACK")
        assert run(cursor, "move_wait") == "again" and run(cursor, "move_finish") == "again"
        cursor.execute("BEGIN; SAVEPOINT one")
        while run(cursor, "move_copy") == "more":
            pass
        cursor.execute("ROLLBACK TO one; COMMIT")
        assert run(cursor, "move_wait") == "again" and run(cursor, "move_finish") == "again"
    session.close()
    assert trail.events() == before
    assert maintain(trail) is None and trail.events() == before


SWITCHES = {
    "for a moment": ["ALTER TABLE audit_events_default DISABLE TRIGGER audit_mirror", None,
                     "ALTER TABLE audit_events_default ENABLE ALWAYS TRIGGER audit_mirror"],
    "off": ["ALTER TABLE audit_events_default DISABLE TRIGGER audit_mirror", None],
    "replaced": ["DROP TRIGGER audit_mirror ON audit_events_default", None,
                 "CREATE TRIGGER audit_mirror AFTER INSERT ON audit_events_default FOR EACH ROW EXECUTE FUNCTION audit_mirror()",
                 "ALTER TABLE audit_events_default ENABLE ALWAYS TRIGGER audit_mirror"],
    "with a condition": ["CREATE OR REPLACE TRIGGER audit_mirror AFTER INSERT ON audit_events_default FOR EACH ROW"
                         " WHEN (NEW.user_id = 7) EXECUTE FUNCTION audit_mirror()",
                         "ALTER TABLE audit_events_default ENABLE ALWAYS TRIGGER audit_mirror", None],
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_copying_trigger_that_was_touched_proves_nothing(trail, switch):
    """By a superuser who may change everything: the move begins again rather than lose what was not copied."""
    session, other = trail.session(), trail.session()
    with session.cursor() as cursor, other.cursor() as attacker:
        assert run(cursor, "move_begin") == "done"
        copy_all(cursor)
        attacker.execute("SET audit_ext.allow_changes = on")
        for statement in SWITCHES[switch]:
            attacker.execute(statement or "INSERT INTO audit_events (created_at, event_group, event_type)"
                             " VALUES (now() - interval '1 hour', 'unseen', 't')")
        assert run(cursor, "move_finish") == "again"
    session.close()
    other.close()
    before = trail.events()
    assert len(before) == 201
    assert maintain(trail) is None and trail.events() == before


def test_the_owner_cannot_take_copies_away(trail):
    before = trail.events()
    session = trail.session()
    with session.cursor() as cursor:
        assert run(cursor, "move_begin") == "done"
        copy_all(cursor)
        cursor.execute("SELECT partition::text FROM audit_partitions('audit_events_move') WHERE NOT is_default")
        target, = cursor.fetchone()
        for statement in (f"DELETE FROM {target}", f"TRUNCATE {target}", f"DROP TABLE {target}", "DELETE FROM audit_events_move",
                          "DROP TABLE audit_events_move", f"ALTER TABLE audit_events_move DETACH PARTITION {target}"):
            error = trail.attempt(trail.owner, statement)
            assert error is not None and error.pgcode == "42501", (statement, error)
        assert run(cursor, "move_finish") == "done"
    session.close()
    assert trail.events() == before


@pytest.mark.parametrize("name", ["audit_events_move", "audit_events_move_rest"])
def test_a_table_of_another_role_is_not_filled(trail, name):
    trail.execute(sql.SQL("CREATE TABLE {1} (x int); ALTER TABLE {1} OWNER TO {0}").format(
        sql.Identifier(trail.joe), sql.Identifier(name)))
    before = trail.events()
    error = maintain(trail)
    assert error.pgcode == "55000" and name in error.diag.message_detail
    assert trail.events() == before
    trail.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    assert maintain(trail) is None and trail.events() == before


# Writers and the clock.
FAR = ("2027-06-15 00:00:00Z", "9998-12-15 00:00:00Z")


def far_id(year_ms=4_000_000_000_000):
    return str(uuid.UUID(int=(year_ms << 80) | (7 << 76) | (2 << 62)))


WAYS = {
    "audit_log": "SELECT audit_log('a', 'b', created_at => '{t}')",
    "audit_log_batch": """SELECT * FROM audit_log_batch('[{{"event_group":"a","event_type":"b","created_at":"{t}"}}]')""",
    "INSERT": "INSERT INTO audit_events (event_group, event_type, created_at) VALUES ('a', 'b', '{t}')",
    "an id": f"SELECT audit_log('a', 'b', id => '{far_id()}')",
    "an id in a batch": f"""SELECT * FROM audit_log_batch('[{{{{"event_group":"a","event_type":"b","id":"{far_id()}"}}}}]')""",
}


@pytest.mark.parametrize("way", WAYS)
def test_an_event_of_the_far_future_is_refused(trail, way):
    before = trail.events()
    for time in FAR:
        error = trail.attempt(trail.writer, WAYS[way].format(t=time))
        assert error.pgcode == "22008", error
        assert error.diag.column_name == ("id" if way == "an id in a batch" else "created_at")
    assert trail.events() == before
    # Clocks differ, and reports may come early.
    assert trail.attempt(trail.writer, "SELECT audit_log('a', 'b', created_at => now() + interval '23 hours')") is None


def test_copy_is_bound_as_well(trail):
    session = trail.session(trail.writer)
    with session.cursor() as cursor, pytest.raises(psycopg2.Error) as raised:
        cursor.copy_expert("COPY audit_events (event_group, event_type, created_at) FROM STDIN", io.StringIO(f"a\tb\t{FAR[0]}\n"))
    session.close()
    assert raised.value.pgcode == "22008"
    # row_security, which a restore switches off, is of no use to a writer.
    assert trail.attempt(trail.writer, "SET row_security = off", WAYS["INSERT"].format(t=FAR[0])).pgcode == "22008"


def test_the_answer_of_a_post_names_the_place(trail):
    events = [{"event_group": "a", "event_type": "b"}, {"event_group": "a", "event_type": "b", "created_at": FAR[0].replace(" ", "T")}]
    status, answer = trail.execute("SELECT status, answer FROM audit_log_json(%s)", (json.dumps(events),))[0]
    assert status == 422 and answer["detail"][0]["loc"] == ["body", 1, "created_at"]


@pytest.mark.parametrize("ahead", ["0", "-1 day", "59 seconds", "10001 years"])
def test_max_ahead_has_bounds(trail, ahead):
    assert trail.attempt(None, f"SELECT audit_configure(max_ahead => '{ahead}')").pgcode == "22023"


def test_a_restore_takes_what_was_recorded_under_another_bound(trail):
    assert trail.attempt(None, "SET row_security = off", WAYS["INSERT"].format(t=FAR[1])) is None


def test_later_events_steer_nothing(trail):
    """Finding 10 with the bound lifted: no partition is made for them, and they do not hold up the others."""
    trail.execute("SELECT audit_configure(max_ahead => '9000 years')")
    times = ["2027-06-15Z"] + [f"9998-{month:02}-15Z" for month in range(1, 13)]
    for time in times:
        trail.execute("SELECT audit_log('later', 't', created_at => %s)", (time,))
    trail.execute("INSERT INTO audit_events (created_at, event_group, event_type) SELECT now() + n * interval '1 day', 'soon', 't'"
                  " FROM generate_series(0, 60) n")
    before = trail.events()
    for _ in range(2):
        assert maintain(trail) is None
        assert trail.events() == before
        is_near, longest = trail.execute(
            "SELECT max(until) <= now() + interval '5 months', max(until - since) FROM audit_partitions() WHERE NOT is_default")[0]
        assert is_near and longest.days <= 31
        status = trail.execute("SELECT default_events, later_events, is_behind, next_missing FROM audit_status")[0]
        assert status == (13, 13, False, None)
    # They stand in the way of no new partition either, and retention goes on.
    trail.execute("SELECT audit_configure(premake => 8, max_ahead => '9000 years', keep => '1 month')")
    assert maintain(trail) is None
    groups = dict(trail.execute("SELECT event_group, count(*) FROM audit_events GROUP BY 1"))
    assert groups["later"] == 13 and groups["soon"] == 61
    assert trail.execute("SELECT later_events, is_behind FROM audit_status")[0] in ((12, False), (13, False))


def test_a_gap_of_the_past_does_not_reach_the_present(trail):
    for days in (3, 40, 400, 4000, 20000):
        trail.execute("SELECT audit_log('past', 't', created_at => now() - %s * interval '1 day')", (days,))
    before = trail.events()
    assert maintain(trail) is None and trail.events() == before
    assert trail.execute("SELECT count(*) FROM audit_partitions() WHERE NOT is_default AND until - since > interval '31 days'"
                         " AND until > date_trunc('month', now(), 'UTC')")[0][0] == 0


# Styles and zones whose abbreviations mean several zones, by a setting of the database (F5).
@pytest.mark.parametrize("style, zone", [("SQL, DMY", "Asia/Kolkata"), ("German", "Asia/Shanghai"), ("Postgres, MDY", "Asia/Kolkata"),
                                         ("SQL, MDY", "America/St_Johns"), ("ISO", "Asia/Kathmandu")])
def test_partitions_are_the_same_in_every_style(trail, style, zone):
    trail.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET datestyle = %%L', current_database(), {0});"
                  " EXECUTE format('ALTER DATABASE %%I SET timezone = %%L', current_database(), {1});"
                  " EXECUTE format('ALTER DATABASE %%I SET intervalstyle = sql_standard', current_database()); END $$"
                  .replace("%%", "%").format(f"'{style}'", f"'{zone}'"))
    before = trail.events()
    for statement in ("SELECT audit_create_partition('2031-01-01Z', '2031-02-01Z')", "SELECT audit_configure('day', '2 years')",
                      "SELECT audit_hold('2001-01-01Z', '2001-02-01Z', 'x')", "CALL audit_maintain()", "CALL audit_maintain()"):
        assert trail.attempt(None, statement) is None, statement
    bounds = trail.execute("SELECT since AT TIME ZONE 'UTC', until AT TIME ZONE 'UTC' FROM audit_partitions() WHERE NOT is_default")
    assert all(moment.time().isoformat() == "00:00:00" for pair in bounds for moment in pair) and len(bounds) >= 5
    assert trail.execute("SELECT default_events, last_error, is_behind FROM audit_status")[0] == (0, None, False)
    assert len(trail.events()) == len(before)
    payloads = trail.execute("SELECT event_payload FROM audit_events WHERE event_type IN ('audit.configured', 'audit.held') ORDER BY created_at")
    assert payloads[0][0]["keep"] == "2 years" and payloads[1][0]["since"] == "2001-01-01T00:00:00+00:00"
