# A trail of which old partitions are on a second server.
from database import SCHEMA, Database

_PARTITION = """CREATE FOREIGN TABLE {name} PARTITION OF audit_events FOR VALUES FROM ('{since}Z') TO ('{until}Z')
  SERVER archive OPTIONS (schema_name '{schema}', table_name '{table}')"""
_VIEW = "CREATE VIEW {name} AS SELECT * FROM audit_events WHERE created_at >= '{since}Z' AND created_at < '{until}Z'"


class ArchivedTrail(Database):
    """`remote` is the trail on the second server, which the server "archive" leads to."""

    def __init__(self, second_server):
        super().__init__()
        self.remote = Database(second_server.server)
        for database in (self, self.remote):
            database.execute("SET TimeZone = 'UTC'")  # for the bounds of partitions
            database.execute("INSERT INTO audit_configuration (partition_every, premake, max_ahead) VALUES ('month', 3, '8000 years')")
        server = self.remote.server
        self.execute("CREATE EXTENSION postgres_fdw SCHEMA public")
        self.execute("CREATE SERVER archive FOREIGN DATA WRAPPER postgres_fdw"
                     f" OPTIONS (host '{server['host']}', port '{server['port']}', dbname '{self.remote.name}')")
        self.execute(f"CREATE USER MAPPING FOR PUBLIC SERVER archive OPTIONS (user '{server['user']}', password_required 'false')")

    def drop(self):
        super().drop()  # first: its sessions use the remote one
        self.remote.drop()

    def attach(self, name, since, until, table=None):
        """A foreign partition that reads that remote table. Without one: a view of just that time, as the manual says."""
        if table is None:
            self.remote.execute("SELECT audit_create_partition(%s, %s)", (since, until))
            self.remote.execute(_VIEW.format(name=name, since=since, until=until))
        self.execute(_PARTITION.format(name=name, since=since, until=until, schema=SCHEMA, table=table or name))

    def record(self, remote, times, **columns):
        """Events with ids in no order of time, straight into one of both trails."""
        database = self.remote if remote else self
        database.execute(
            f"INSERT INTO audit_events (id, created_at, event_group, event_type{''.join(', ' + name for name in columns)})"
            f" SELECT gen_random_uuid(), t, 'g', 't'{', %s' * len(columns)} FROM unnest(%s::timestamptz[]) t",
            (*columns.values(), list(times)))

    def explain(self, **arguments):
        """(engine, reason) of a page."""
        named = ", ".join(f"{name} => %({name})s" for name in arguments)
        rows = dict(self.execute(f"SELECT * FROM audit_explain({named})", arguments))
        return rows["engine"], rows["reason"]
