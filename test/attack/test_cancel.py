# Queries that are cancelled, by their client or by a deadline, in the middle of much work: they end soon, and the session
# goes on. Measured in processor time of the session, which other work on the machine does not change.
import threading

import psycopg2
import pytest

from support import eventually

MB = 1024 * 1024
EVENT = '{"event_group":"g","event_type":"t","event_payload":{"a":[1,2,3,{"b":"xyz"}]}}'
PAYLOAD = '{"event_group":"g","event_type":"t","event_payload":%s}'

LOG_TEXT = "SELECT status FROM audit_log_text(%s, false, NULL)"
WORK = {  # name: (statement, its argument)
    "a list of 10 MB": (LOG_TEXT, "[" + ",".join([EVENT] * 130_000) + "]"),
    "lines of 10 MB": ("SELECT status FROM audit_log_text(%s, true, NULL)", "\n".join([EVENT] * 130_000)),
    "an event of 10 MB of numbers": (LOG_TEXT, PAYLOAD % ("[" + ",".join(["1"] * 5 * MB) + "]")),
    "an event of 10 MB of members": (LOG_TEXT, PAYLOAD % ("{" + ",".join(f'"k{i}":1' for i in range(800_000)) + "}")),
    "10 MB of exponents": (LOG_TEXT, PAYLOAD % ("[" + ",".join(["1e131071"] * MB) + "]")),
    "10 MB of white space": (LOG_TEXT, PAYLOAD % ("[1," + " " * 10 * MB + "1]")),
    "300,000 events": ("SELECT count(*) FROM audit_log_batch((SELECT jsonb_agg(%s::jsonb) FROM generate_series(1, 300000)))", EVENT),
    "a page of bombs": ("SELECT audit_list_json(event_type => %s, page_size => 200)", "bomb"),
    "an event that is a bomb": ("SELECT length(audit_get_json(id)::text) FROM audit_events WHERE event_type = %s", "bomb"),
}
AFTER_CANCEL_MS = 300  # a third of it where nothing is slow; PostgreSQL's reading of 10 MB alone is 40


def processor_ms(pid):
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e6


@pytest.fixture
def busy_trail(trail):
    trail.execute("SET audit_ext.max_event_size = 0; SET audit_ext.max_page_size = '256MB'")
    trail.execute("INSERT INTO audit_events (event_group, event_type, event_payload) SELECT 'g', 'bomb',"
                  " (SELECT jsonb_agg(1e1000::numeric) FROM generate_series(1, 20000)) FROM generate_series(1, 20)")
    return trail


def cancelled_after(trail, session, statement, argument, work_ms):
    """How much the session did after it was asked to stop, once it had done that much. None: it was done before."""
    pid = session.info.backend_pid
    begin_ms, cancelled_ms = processor_ms(pid), []
    is_over = threading.Event()

    def cancel():
        eventually(lambda: is_over.is_set() or processor_ms(pid) - begin_ms > work_ms, "it works")
        cancelled_ms.append(processor_ms(pid))
        trail.execute("SELECT pg_cancel_backend(%s)", (pid,))

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        with session.cursor() as cursor:
            cursor.execute(statement, (argument,))
        is_cancelled = False
    except psycopg2.errors.QueryCanceled:
        is_cancelled = True
    finally:
        is_over.set()
        end_ms = processor_ms(pid)
        canceller.join()
    return end_ms - cancelled_ms[0] if is_cancelled else None


def settled(session):
    """A cancel that came after the end hits the next statement."""
    with session.cursor() as cursor:
        for _ in range(2):
            try:
                cursor.execute("SET audit_ext.max_page_size = '256MB'")
            except psycopg2.errors.QueryCanceled:
                pass
    return session


def test_a_cancelled_query_ends_soon(busy_trail):
    session = busy_trail.session()
    for name, (statement, argument) in WORK.items():
        after_ms = [cancelled_after(busy_trail, settled(session), statement, argument, work_ms) for work_ms in (2, 30, 60)]
        seen_ms = [round(ms) for ms in after_ms if ms is not None]
        print(f"{name}: {seen_ms} ms after a cancel")
        assert all(ms < AFTER_CANCEL_MS for ms in seen_ms), (name, seen_ms)
    settled(session).close()


def test_a_deadline_leaves_a_session_that_works(busy_trail):
    session = busy_trail.session()
    with session.cursor() as cursor:
        for timeout_ms in (2, 20):
            for statement, argument in WORK.values():
                cursor.execute(f"SET statement_timeout = {timeout_ms}")
                try:
                    cursor.execute(statement, (argument,))
                except psycopg2.errors.QueryCanceled:
                    pass
                cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT count(*) FROM audit_list(page_size => 200)")
        assert cursor.fetchone() == (200,)
    session.close()
