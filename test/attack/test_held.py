# Plain attempts on recorded events by those who come closest: the owner of the tables, and a superuser.
import pytest

ATTEMPTS = [
    "UPDATE {t} SET status = 'x'",
    "DELETE FROM {t}",
    "TRUNCATE {t}",
    "MERGE INTO {t} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "DROP TABLE {t}",
    "ALTER TABLE {t} DISABLE TRIGGER ALL",
]


@pytest.mark.parametrize("table", ["audit_events", "audit_events_default", "audit_events_20250101"])
@pytest.mark.parametrize("role", ["owner", None])
def test_plain_statements_change_nothing(trail, role, table):
    before = trail.events()
    for statement in ATTEMPTS:
        error = trail.attempt(role and getattr(trail, role), statement.format(t=table))
        assert error is not None and error.pgcode in ("42501", "2BP01"), (statement, error)
    assert trail.events() == before and len(before) == 200
