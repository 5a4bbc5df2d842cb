# A throw-away database with the extension in it, on the server that the PG* environment names (as a superuser).
import contextlib
import itertools
import os
import secrets

import psycopg2
import psycopg2.extras
from psycopg2 import sql

from support import secret

# Neither the default schema nor a plain name: so every test finds code that forgets to qualify or quote.
SCHEMA = "Audit trail"

COLUMNS = (
    "id", "created_at", "user_id", "actor_type", "actor_id", "source", "event_group", "event_type", "status",
    "resource_type", "resource_id", "session_id", "vm_id", "task_id", "request_id", "correlation_id", "http_method",
    "path", "http_status", "latency_ms", "ip_address", "user_agent", "node_ip", "worker_id", "event_payload",
    "error_message")

_serial = itertools.count(1)


def unique_name(what):
    """A name that no other run on this server uses: roles are shared by all its databases."""
    return f"audit_test_{what}_{os.getpid()}_{next(_serial)}"


class Database:
    """Created by the constructor, gone after drop(). `server` holds psycopg2.connect() arguments, {} for PG*."""

    def __init__(self, server=None):
        self.server = dict(server or {})
        self.name = unique_name("db")
        self.roles = []
        self._admin = self._connect(os.environ.get("PGDATABASE", "postgres"))
        self._execute_admin(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
            sql.Identifier(self.name)))
        self.connection = self.connect()
        self.execute(sql.SQL("CREATE SCHEMA {0}; CREATE EXTENSION audit_ext SCHEMA {0} CASCADE").format(
            sql.Identifier(SCHEMA)))
        self.frontend_password = secret(secrets.token_urlsafe(18))
        self.frontend = self.create_role("frontend", self.frontend_password)
        self.call("audit_grant_frontend", self.frontend)

    def _connect(self, name, **more):
        connection = psycopg2.connect(**{**self.server, "dbname": name, **more})
        connection.autocommit = True
        return connection

    def _execute_admin(self, statement):
        with self._admin.cursor() as cursor:
            cursor.execute(statement)

    def connect(self, **more):
        """A session of its own, in autocommit mode, that finds the extension's functions without qualifying."""
        connection = self._connect(self.name, **more)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('search_path', quote_ident(%s) || ', public', false)", (SCHEMA,))
            # This finds code that formats times by the session's zone.
            cursor.execute("SET TimeZone = 'America/St_Johns'")
        return connection

    def conninfo(self, **changes):
        """What the daemon is given as --database; the frontend role's unless `changes` say otherwise."""
        info = self._admin.info
        parameters = {"host": info.host, "port": info.port, "dbname": self.name, "user": self.frontend,
                      "password": self.frontend_password, **changes}
        return psycopg2.extensions.make_dsn(**{k: v for k, v in parameters.items() if v is not None})

    @property
    def superuser(self):
        return self._admin.info.user

    def execute(self, statement, arguments=None):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall() if cursor.description else []

    def rows(self, statement, arguments=None):
        """The result as a list of dicts."""
        with self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(statement, arguments)
            return [dict(row) for row in cursor.fetchall()]

    def call(self, function, *positional, **named):
        """One of the extension's functions; returns its (scalar) result."""
        arguments = ["%s"] * len(positional) + [f"{name} => %s" for name in named]
        statement = f"SELECT {function}({', '.join(arguments)})"
        return self.execute(statement, (*positional, *named.values()))[0][0]

    def create_role(self, what, password=None):
        """A role named after `what`: with a password one that may log in, else one to switch to."""
        name = unique_name(what)
        self.roles.append(name)
        self.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        if password is not None:
            self.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(sql.Identifier(name)), (password,))
        return name

    def create_api_key(self, name, **named):
        return secret(self.call("audit_create_api_key", name, **named))

    def create_user(self, username, password, **named):
        self.call("audit_create_user", username, secret(password), **named)
        return username, password

    def insert(self, events):
        """`events` are dicts with any of the columns; the missing ones get their defaults."""
        with self.connection.cursor() as cursor:
            for columns, group in itertools.groupby(events, key=lambda event: tuple(event)):
                names = sql.SQL(", ").join(map(sql.Identifier, columns))
                psycopg2.extras.execute_values(
                    cursor, sql.SQL("INSERT INTO audit_events ({}) VALUES %s").format(names),
                    [tuple(event.values()) for event in group], page_size=500)

    def reconnect(self):
        """After its server was restarted."""
        self.connection.close()
        self._admin.close()
        self._admin = self._connect(os.environ.get("PGDATABASE", "postgres"))
        self.connection = self.connect()

    def drop(self):
        self.connection.close()
        self._execute_admin(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
        for role in self.roles:
            self._execute_admin(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        self._admin.close()


@contextlib.contextmanager
def temporary_database(server=None):
    database = Database(server)
    try:
        yield database
    finally:
        database.drop()
