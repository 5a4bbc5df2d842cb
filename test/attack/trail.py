# The trail that is attacked: a database with events and with one role for each kind of attacker.
import psycopg2
from psycopg2 import sql

from database import Database

PARTITION = "audit_events_20250101"
# The partitions first: a guard that knows only the parent would be found out.
TABLES = ("audit_events_default", PARTITION, "audit_events")


class AttackedTrail(Database):
    """100 events in the partition of January 2025, 100 in the default one; the tables belong to `owner`.

    reader, writer, maintainer and frontend have just their audit_grant_*(); joe has nothing. The owner may create in the
    schema `owned`, which is in every role's search_path, and in no other."""

    def __init__(self, server=None):
        super().__init__(server)
        for kind in ("reader", "writer", "maintainer"):
            setattr(self, kind, self.create_role(kind))
            self.call(f"audit_grant_{kind}", getattr(self, kind))
        self.owner = self.create_role("owner")
        self.joe = self.create_role("joe")
        self.execute("SELECT audit_create_partition('2025-01-01Z', '2025-02-01Z')")
        self.execute(
            "INSERT INTO audit_events (created_at, event_group, event_type, user_id)"
            " SELECT t + g * interval '1 min', 'g', 't', g FROM generate_series(1, 100) g,"
            " (VALUES ('2025-01-10Z'::timestamptz), (now() - interval '1 day')) v(t)")
        for table in TABLES:
            self.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(table), sql.Identifier(self.owner)))
        self.execute(sql.SQL("CREATE SCHEMA owned AUTHORIZATION {0}; GRANT USAGE ON SCHEMA owned TO PUBLIC;"
                             " GRANT USAGE ON SCHEMA {1} TO {0}").format(
            sql.Identifier(self.owner), sql.Identifier("Audit trail")))

    def session(self, role=None, **more):
        """A session of that role's own, as after a log-in; None: of the superuser."""
        connection = self.connect(**more)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('search_path', current_setting('search_path') || ', owned', false)")
            if role is not None:
                cursor.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        return connection

    def attempt(self, role, *statements):
        """Runs the statements in one session of the role; the first error ends it and is returned, None: there was none."""
        session = self.session(role)
        try:
            with session.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        except psycopg2.Error as error:
            return error
        finally:
            session.close()
        return None

    def events(self):
        """Everything that is recorded but what the extension says about the trail itself, as text in a fixed order."""
        return self.execute("SELECT e::text FROM audit_events e WHERE event_group <> 'audit' ORDER BY created_at, id")

    def records(self):
        """What the extension has recorded about the trail itself: (event_type, resource_id), oldest first."""
        return self.execute("SELECT event_type, resource_id FROM audit_events WHERE event_group = 'audit'"
                            " ORDER BY created_at, id")
