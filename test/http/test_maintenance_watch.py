# The state of partitions and retention, as /metrics and /readyz of the admin listener report it.
import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import eventually

BEHIND = {"status": "ready", "maintenance": "behind"}
OK = {"status": "ready", "maintenance": "ok"}


@pytest.fixture
def start(scratch, secret_file, start_daemon):
    """A daemon that has not looked yet: it remembers for a while what it saw."""
    return lambda: start_daemon(database=scratch.conninfo(), token_secret_file=secret_file, admin_listen="127.0.0.1:0", pool_size=1)


def trail(daemon):
    """{name without audit_trail_: value}"""
    return {sample.name.removeprefix("audit_trail_"): sample.value
            for family in text_string_to_metric_families(daemon.admin.get("/metrics").text)
            for sample in family.samples if sample.name.startswith("audit_trail_")}


def await_state(daemon, state):
    eventually(lambda: daemon.admin.get("/readyz").json() == state, f"readyz says {state}")
    return trail(daemon)


def test_never_run(scratch, start):
    found = await_state(start(), OK)
    assert found["bytes"] > 0
    assert found["is_behind"] == found["holds"] == found["default_events"] == 0
    assert math.isnan(found["last_maintenance_timestamp_seconds"])
    assert math.isnan(found["oldest_event_timestamp_seconds"])


def test_behind_and_caught_up(scratch, start):
    scratch.execute("CALL audit_maintain()")
    scratch.execute("SELECT audit_hold('2001-01-01Z', '2001-02-01Z', 'a case')")
    scratch.insert([{"created_at": "2001-01-02T03:04:05.678Z", "event_group": "g", "event_type": "t"}])
    daemon = start()
    found = await_state(daemon, BEHIND)
    assert found["is_behind"] == found["holds"] == found["default_events"] == 1
    assert found["oldest_event_timestamp_seconds"] == 978404645
    assert daemon.client.get("/readyz").json() == {"status": "ready"}  # other callers do not need to know

    scratch.execute("CALL audit_maintain()")
    found = await_state(start(), OK)
    assert found["is_behind"] == found["default_events"] == 0
    succeeded = scratch.execute("SELECT floor(EXTRACT(epoch FROM last_success))::bigint FROM audit_status")[0][0]
    assert found["last_maintenance_timestamp_seconds"] == succeeded


def test_it_is_asked_for_again(scratch, start):
    daemon = start()
    await_state(daemon, OK)
    scratch.insert([{"created_at": "2002-01-02T00:00:00Z", "event_group": "g", "event_type": "t"}])
    await_state(daemon, BEHIND)


def test_requests_come_first(scratch, start):
    """With every connection at work the state is not read, and a request for it is answered at once."""
    daemon = start()
    key = scratch.create_api_key("reader")
    with scratch.connect() as session, session.cursor() as cursor, daemon.client.connect() as connection:
        session.autocommit = False
        cursor.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        connection.send(f"GET /v1/audit/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        in_use = 'audit_httpd_pool_connections{state="in_use"} 1'
        eventually(lambda: in_use in daemon.admin.get("/metrics").text, "the connection is at work")
        assert all(math.isnan(value) for value in trail(daemon).values())
        assert daemon.admin.get("/readyz").json() == {"status": "ready", "maintenance": "unknown"}
        session.rollback()
        assert connection.receive().status == 200


def test_an_answer_that_cannot_be_had(scratch, start):
    """The role loses its right while the daemon runs."""
    daemon = start()
    scratch.execute(f'REVOKE EXECUTE ON FUNCTION audit_read_status FROM "{scratch.frontend}"')
    try:
        for _ in range(3):
            assert daemon.admin.get("/readyz").json() == {"status": "ready", "maintenance": "unknown"}
            assert all(math.isnan(value) for value in trail(daemon).values())
    finally:
        scratch.call("audit_grant_frontend", scratch.frontend)
