# Maintenance of a trail with partitions on another server: keep removes what is here, and says what it cannot remove there.
import psycopg2
import pytest

from archive import ArchivedTrail

MONTHS = (("far", "2001-01-01", "2001-02-01"), ("near", "2001-02-01", "2001-03-01"), ("far_too", "2001-03-01", "2001-04-01"))


@pytest.fixture
def expired(second_server):
    """Three old months, two of them on the other server, and maintenance that wants to drop them."""
    trail = ArchivedTrail(second_server)
    for name, since, until in MONTHS:
        if name == "near":
            trail.execute("SELECT audit_create_partition(%s, %s)", (since, until))
        else:
            trail.attach(name, since, until)
        trail.record(name != "near", [since + "Z"])
    trail.execute("UPDATE audit_configuration SET keep = '1 year'")
    yield trail
    trail.drop()


def partitions(trail):
    return {name for name, in trail.execute("SELECT partition::text FROM audit_partitions() WHERE until < '2002-01-01'")}


def maintain(trail):
    """What it could not do."""
    try:
        trail.execute("CALL audit_maintain()")
    except psycopg2.errors.ObjectNotInPrerequisiteState as error:
        return error.diag.message_detail
    return None


def test_an_expired_partition_is_dropped_once_its_server_has_no_events(expired):
    still = 'drop_expired: foreign partition "{}" has expired, but its server still has its events'.format
    assert maintain(expired) == still("far")
    assert partitions(expired) == {"far", "far_too"}  # the one that is here has gone
    status = expired.rows("SELECT * FROM audit_status")[0]
    assert (status["expired_partitions"], status["is_behind"], status["last_error"]) == (2, True, still("far"))
    assert status["oldest_event"].year == 2001

    expired.remote.execute("UPDATE audit_configuration SET keep = '1 year'; SELECT audit_hold('2001-03-01Z', '2001-04-01Z', 'a case')")
    expired.remote.execute("CALL audit_maintain()")
    assert maintain(expired) == still("far_too")
    assert partitions(expired) == {"far_too"}

    release = "SELECT audit_release(id) FROM audit_holds WHERE released_at IS NULL"
    expired.execute("SELECT audit_hold('2001-03-01Z', '2001-04-01Z', 'the same case')")
    assert maintain(expired) is None
    expired.remote.execute(release)
    expired.remote.execute("CALL audit_maintain()")
    assert maintain(expired) is None and partitions(expired) == {"far_too"}
    expired.execute(release)
    assert maintain(expired) is None and partitions(expired) == set()
    dropped = expired.execute("SELECT resource_id FROM audit_events WHERE event_type = 'audit.partition_dropped' ORDER BY created_at")
    assert dropped == [("audit_events_20010201",), ("far",), ("far_too",)]


def test_a_server_that_is_down_keeps_its_partitions(expired, second_server):
    second_server.stop()
    assert maintain(expired).startswith('drop_expired: could not connect to server "archive"')
    second_server.start()
    expired.remote.reconnect()
    assert partitions(expired) == {"far", "far_too"}
