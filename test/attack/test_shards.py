# What pages of a distributed trail go through is open to every role. Without Citus, and without a right, it gives nothing away.
import pytest

NAME_OF_CITUS = "SET application_name = 'citus_internal gpid=1'"


def reason(trail, role, shard_id):
    with trail.session(role) as session, session.cursor() as cursor:
        cursor.execute(f'SELECT cardinality(a), convert_from(substr(a[1], 5), \'UTF8\') FROM "Audit trail".audit_shard_page(shard_id => {shard_id}) a')
        return cursor.fetchone()


@pytest.mark.parametrize("role", ["reader", "writer", "maintainer", "owner"])
@pytest.mark.parametrize("shard_id", ["NULL", "0", "-1", "102008", "9223372036854775807"])
def test_shard_that_is_not_there(trail, role, shard_id):
    assert reason(trail, getattr(trail, role), shard_id) == (1, "a shard of audit_events is not where audit_shards says")


def test_table_with_the_name_of_a_shard(trail):
    trail.execute('CREATE TABLE "Audit trail".audit_events_7 (LIKE audit_events) PARTITION BY RANGE (created_at)')
    assert reason(trail, trail.writer, 7) == (1, "a shard of audit_events is not where audit_shards says")
    assert reason(trail, None, 7) == (1, "a shard of audit_events is not where audit_shards says")


@pytest.mark.parametrize("statement", [
    'SELECT "Audit trail".audit_distribute()', 'INSERT INTO "Audit trail".audit_shards VALUES (now(), 1)', 'DELETE FROM "Audit trail".audit_shards'])
def test_list_of_shards_is_the_extensions(trail, statement):
    for role in (trail.joe, trail.reader, trail.writer, trail.maintainer, trail.owner):
        assert trail.attempt(role, statement).pgcode == "42501"


def test_citus_is_looked_for_and_not_its_name(trail):
    """A role that names its session as Citus does is refused what any is."""
    before = trail.events()
    for statement in ("DROP TABLE audit_events_20250101", "DELETE FROM audit_events", "ALTER TABLE audit_events DISABLE TRIGGER ALL"):
        assert trail.attempt(trail.owner, NAME_OF_CITUS, statement).pgcode == "42501"
    error = trail.attempt(trail.writer, NAME_OF_CITUS, "INSERT INTO audit_events (event_group, event_type) VALUES ('audit', 'forged')")
    assert error.pgcode == "42501"
    assert trail.events() == before


def test_no_shards_without_citus(trail):
    assert trail.attempt(None, "SELECT audit_distribute()").pgcode == "55000"
