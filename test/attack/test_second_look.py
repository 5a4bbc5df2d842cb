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
