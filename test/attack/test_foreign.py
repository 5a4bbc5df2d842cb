# Foreign partitions: nothing may make a part of the trail read another table unnoticed.
import psycopg2
import pytest

FAR = """CREATE EXTENSION postgres_fdw SCHEMA public; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere');
  CREATE SERVER unused FOREIGN DATA WRAPPER postgres_fdw; CREATE SCHEMA aside;
  CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'u', password 'secret of the mapping');
  CREATE FOREIGN TABLE aside.far PARTITION OF audit_events FOR VALUES FROM ('2019-01-01Z') TO ('2020-01-01Z')
  SERVER elsewhere OPTIONS (table_name 'far')"""

REFUSED = (
    "DROP FOREIGN TABLE aside.far", "DROP SCHEMA aside CASCADE", "DROP SERVER elsewhere CASCADE", "DROP EXTENSION postgres_fdw CASCADE",
    "ALTER TABLE audit_events DETACH PARTITION aside.far",
    # another table
    "ALTER FOREIGN TABLE aside.far OPTIONS (SET table_name 'other')", "ALTER FOREIGN TABLE aside.far OPTIONS (ADD schema_name 'other')",
    "ALTER FOREIGN TABLE aside.far OPTIONS (DROP table_name)",
    # the remote names, where no option gives them
    "ALTER FOREIGN TABLE aside.far RENAME TO other", "ALTER TABLE aside.far RENAME TO other", "ALTER FOREIGN TABLE aside.far SET SCHEMA public",
    "ALTER SCHEMA aside RENAME TO other",
    # another column
    "ALTER FOREIGN TABLE aside.far ALTER COLUMN status OPTIONS (column_name 'path')",
    "ALTER TABLE aside.far ALTER COLUMN status OPTIONS (ADD column_name 'path')",
    # another server
    "ALTER SERVER elsewhere OPTIONS (SET host 'other')", "ALTER SERVER elsewhere OPTIONS (DROP host)", "ALTER SERVER elsewhere RENAME TO other",
    # other code
    "ALTER FOREIGN DATA WRAPPER postgres_fdw NO HANDLER", "ALTER FOREIGN DATA WRAPPER postgres_fdw NO VALIDATOR",
    "CREATE TRIGGER other BEFORE INSERT ON aside.far FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "ALTER FOREIGN TABLE aside.far DISABLE TRIGGER ALL", "ALTER FOREIGN TABLE aside.far ADD CONSTRAINT other CHECK (user_id > 0)")


@pytest.fixture
def far(trail):
    trail.execute(FAR)
    return trail


def commands(trail):
    """Without the foreign partition, whose server is not there."""
    return [command for command, in trail.execute("SELECT event_payload ->> 'command' FROM audit_events"
                                                  " WHERE event_group = 'audit' AND created_at > '2025-01-01Z' ORDER BY created_at, id")]


def definition(trail):
    return trail.execute("SELECT s.srvname, s.srvoptions, t.ftoptions, c.relnamespace::regnamespace, c.relname, f.fdwhandler, f.fdwoptions"
                         " FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid JOIN pg_foreign_server s ON s.oid = t.ftserver"
                         " JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw")


def test_superuser_is_refused(far):
    before = definition(far)
    for statement in REFUSED:
        error = far.attempt(None, statement)
        assert error is not None and error.pgcode == "42501" and "append-only" in str(error), (statement, error)
    assert definition(far) == before


def test_truncate_by_a_session_that_has_not_loaded_the_library(far):
    """PostgreSQL 15 has no TRUNCATE triggers on foreign tables. So the table is made as the manual says, or the library preloaded."""
    far.execute("CREATE FOREIGN TABLE closed PARTITION OF audit_events FOR VALUES FROM ('2017-01-01Z') TO ('2018-01-01Z')"
                " SERVER elsewhere OPTIONS (table_name 'closed', truncatable 'false', updatable 'false')")
    assert far.attempt(None, "TRUNCATE closed").pgcode == "55000"
    far.execute(f"ALTER DATABASE {far.name} SET session_preload_libraries = audit_ext")
    for table in ("closed", "aside.far", "audit_events"):
        assert far.attempt(None, f"TRUNCATE {table}").pgcode == "42501", table


def test_owner_is_refused(far):
    """Who owns the partition and its server."""
    far.execute(f"ALTER TABLE aside.far OWNER TO {far.owner}; SET audit_ext.allow_changes = on; ALTER SERVER elsewhere OWNER TO {far.owner};"
                f" ALTER SCHEMA aside OWNER TO {far.owner}; RESET audit_ext.allow_changes")
    for statement in REFUSED:
        error = far.attempt(far.owner, statement)
        assert error is not None and error.pgcode == "42501", (statement, error)


def test_a_superuser_who_says_so_is_recorded(far):
    assert far.attempt(None, "SET audit_ext.allow_changes = on", "ALTER SERVER elsewhere OPTIONS (SET host '/elsewhere')",
                       "ALTER FOREIGN TABLE aside.far OPTIONS (SET table_name 'other')",
                       "ALTER FOREIGN TABLE aside.far ALTER COLUMN status OPTIONS (column_name 'path')",
                       "ALTER SCHEMA aside RENAME TO other", "DROP FOREIGN TABLE other.far") is None
    assert commands(far)[1:] == ["ALTER SERVER", "ALTER FOREIGN TABLE", "ALTER FOREIGN TABLE", "ALTER SCHEMA", "DROP FOREIGN TABLE"]


def test_foreign_partitions_and_user_mappings_are_recorded(far):
    """A password may be changed: it does not lead to another table. Options are not shown, since they hold secrets."""
    assert far.attempt(None, "CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'me', password 'my secret')",
                       "ALTER USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (SET password 'my new secret')",
                       "DROP USER MAPPING FOR CURRENT_USER SERVER elsewhere", "CREATE USER MAPPING FOR PUBLIC SERVER unused",
                       "DROP USER MAPPING IF EXISTS FOR CURRENT_USER SERVER elsewhere", "DROP USER MAPPING IF EXISTS FOR PUBLIC SERVER none") is None
    expected = ["CREATE FOREIGN TABLE: a foreign partition"]
    expected += [f"{verb} USER MAPPING of server elsewhere" for verb in ("CREATE", "ALTER", "DROP", "DROP")]
    assert commands(far) == expected
    shown = far.execute("SELECT string_agg(e::text, ' ') FROM audit_events e WHERE created_at > '2025-01-01Z'")[0][0]
    assert "secret" not in shown


def test_a_foreign_leaf_below_another_partition_is_recorded_and_guarded(far):
    far.execute("""CREATE TABLE between (LIKE audit_events INCLUDING CONSTRAINTS) PARTITION BY RANGE (created_at);
      CREATE FOREIGN TABLE leaf PARTITION OF between FOR VALUES FROM ('2018-01-01Z') TO ('2019-01-01Z') SERVER elsewhere;
      ALTER TABLE audit_events ATTACH PARTITION between FOR VALUES FROM ('2018-01-01Z') TO ('2019-01-01Z')""")
    assert commands(far)[1:] == ["ALTER TABLE: a foreign partition"]
    for statement in ("DROP FOREIGN TABLE leaf", "ALTER TABLE leaf RENAME TO other", "ALTER TABLE between DETACH PARTITION leaf"):
        assert far.attempt(None, statement).pgcode == "42501", statement


def test_other_servers_and_foreign_tables_are_free(far):
    assert far.attempt(None, "ALTER SERVER unused OPTIONS (ADD host 'x')", "CREATE FOREIGN TABLE plain (x int) SERVER elsewhere",
                       "ALTER FOREIGN TABLE plain OPTIONS (ADD table_name 'y')", "ALTER FOREIGN TABLE plain ALTER x OPTIONS (ADD column_name 'y')",
                       "ALTER FOREIGN TABLE plain RENAME TO plainer", "DROP FOREIGN TABLE plainer", "DROP SERVER unused",
                       "CREATE FOREIGN DATA WRAPPER none", "ALTER FOREIGN DATA WRAPPER none OPTIONS (ADD x 'y')", "DROP FOREIGN DATA WRAPPER none",
                       "CREATE SCHEMA free", "ALTER SCHEMA free RENAME TO freer", "DROP SCHEMA freer") is None


def test_rows_of_a_foreign_partition_are_not_changed_through_it(trail, tmp_path_factory):
    """The server leads back to this one, to a table of the same shape."""
    info = trail.connection.info
    trail.execute("CREATE EXTENSION postgres_fdw SCHEMA public; CREATE TABLE public.remote (LIKE audit_events)")
    trail.execute(f"CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{info.host}', port '{info.port}', dbname '{info.dbname}');"
                  f" CREATE USER MAPPING FOR PUBLIC SERVER self OPTIONS (user '{info.user}', password_required 'false');"
                  " CREATE FOREIGN TABLE far PARTITION OF audit_events FOR VALUES FROM ('2019-01-01Z') TO ('2020-01-01Z')"
                  " SERVER self OPTIONS (schema_name 'public', table_name 'remote')")
    trail.execute("INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2019-05-05Z', 'g', 'far')")
    before = trail.events()
    assert len(before) == 201
    for table in ("audit_events", "far"):
        for statement in (f"UPDATE {table} SET status = 'x' WHERE event_type = 'far'", f"DELETE FROM {table} WHERE event_type = 'far'",
                          f"TRUNCATE {table}", f"UPDATE {table} SET created_at = now() WHERE event_type = 'far'",
                          f"INSERT INTO {table} SELECT * FROM far ON CONFLICT DO NOTHING; DELETE FROM {table} WHERE event_type = 'far'"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                trail.execute(statement)
    assert trail.events() == before
