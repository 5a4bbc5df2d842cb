# No log of the server gets a password, whatever the server logs: pgaudit, auto_explain, statements, parameters, plans.
import contextlib
import os
import subprocess

import pytest
from psycopg2 import sql

from cluster import Cluster
from database import Database
from support import secret

PASSWORD = "a password, for ünderlings"
WRONG = "another, no less secret"
CONTROL = "a password that is a parameter"

# Everything that writes down statements or parameters.
SETTINGS = {
    "pgaudit.log": "all", "pgaudit.log_parameter": "on", "pgaudit.log_catalog": "on", "pgaudit.log_rows": "on",
    "auto_explain.log_min_duration": "0", "auto_explain.log_analyze": "on", "auto_explain.log_verbose": "on",
    "auto_explain.log_nested_statements": "on", "log_statement": "all", "log_min_duration_statement": "0",
    "log_parameter_max_length": "-1", "log_parameter_max_length_on_error": "-1", "log_min_error_statement": "debug5",
    "debug_print_parse": "on", "debug_print_rewritten": "on", "debug_print_plan": "on", "log_error_verbosity": "verbose",
}


def has_pgaudit():
    libraries = subprocess.run([os.environ.get("PG_CONFIG") or "pg_config", "--pkglibdir"], capture_output=True, text=True, check=True)
    return os.path.exists(os.path.join(libraries.stdout.strip(), "pgaudit.so"))


class LoggingServer:
    """A server that logs all it can, also where the front end's role has other settings: those of a role in a database come first."""

    def __init__(self, directory, library):
        self.cluster = Cluster(directory)
        self.cluster.start()
        self.library = library
        database = Database(self.cluster.server)
        database.execute(f"ALTER SYSTEM SET shared_preload_libraries = '{library}'")
        self.cluster.stop()
        self.cluster.start()
        self.database = Database(self.cluster.server)
        self.log_all(self.database.frontend)

    def log_all(self, role):
        for name, value in SETTINGS.items():
            if "." in name and not name.startswith(self.library + "."):
                continue
            self.database.execute(sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = %s").format(
                sql.Identifier(role), sql.Identifier(self.database.name), sql.SQL(name)), (value,))

    @property
    def log(self):
        with open(os.path.join(self.cluster.server["host"], "server.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def shows(self, password):
        """As text, as hexadecimal digits, and as the list of numbers that a plan has."""
        written = password.encode()
        return any(form in self.log for form in (password, written.hex(), " ".join(str(byte) for byte in written)))


@pytest.fixture(scope="module", params=["auto_explain", "pgaudit"])
def logging_server(request, tmp_path_factory):
    if request.param == "pgaudit" and not has_pgaudit():
        pytest.skip("pgaudit is not installed for this PostgreSQL")
    server = LoggingServer(str(tmp_path_factory.mktemp("logging")), request.param)
    yield server
    server.cluster.remove()


@pytest.fixture(scope="module")
def logged_in(logging_server, tmp_path_factory):
    """What was logged during a log-in that succeeded and one that failed. The user's password came to the server as a hash."""
    database = logging_server.database
    name = database.create_role("alice")
    database.call("audit_create_user", name, database.execute("SELECT crypt(%s, gen_salt('bf', 10))", (PASSWORD,))[0][0].replace("$2a$", "$2y$"))
    return logging_server, name


def test_log_in(logged_in, start_daemon, secret_file):
    server, name = logged_in
    before = len(server.log)
    client = start_daemon(database=server.database.conninfo(), token_secret_file=secret_file).client
    secret(PASSWORD)
    assert client.login(name, PASSWORD).status == 200
    for password in (WRONG, WRONG + "\0", WRONG * 10):
        assert client.login(name, password).status == 400
        assert client.login("nobody", password).status == 400
    assert client.login(name + "\0", PASSWORD).status == 400
    written = server.log[before:]
    assert "audit_authenticate_proof" in written and name in written, "the statement and its parameters are logged"
    assert PASSWORD not in written and WRONG not in written
    assert not server.shows(WRONG)


def test_what_is_logged_is_no_credential(logged_in, start_daemon, secret_file):
    """Neither the proof nor the hash is a password, for the daemon or for the database's function."""
    server, name = logged_in
    database = server.database
    client = start_daemon(database=database.conninfo(), token_secret_file=secret_file).client
    stored = database.execute("SELECT password_hash, encode(sha256(password_hash::bytea), 'hex') FROM audit_users WHERE username = %s", (name,))[0]
    for text in (*stored, "\\x" + stored[1]):
        assert client.login(name, text).status == 400
        assert database.execute("SELECT count(*) FROM audit_authenticate_password(%s, %s)", (name, text)) == [(0,)]


def test_the_server_logs_what_it_is_given(logging_server):
    """The control: with the same settings, a password that is a parameter is there."""
    session = logging_server.database.connect(user=logging_server.database.frontend, password=logging_server.database.frontend_password)
    with session.cursor() as cursor:
        cursor.execute("PREPARE check_password AS SELECT count(*) FROM audit_authenticate_password($1, $2)")
        cursor.execute("EXECUTE check_password(%s, %s)", ("nobody", CONTROL))
    session.close()
    assert logging_server.shows(CONTROL)


def test_a_new_key_is_not_logged(logging_server):
    """The operator who makes it is logged as thoroughly, statements inside of functions too. Only the key's hash is a parameter."""
    database = logging_server.database
    operator = sql.Identifier(database.create_role("operator", "password of an operator"))
    database.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(operator))
    logging_server.log_all(operator.string)
    with contextlib.closing(database.connect(user=operator.string, password="password of an operator")) as session, session.cursor() as cursor:
        cursor.execute("SELECT audit_create_api_key('logged')")
        key = secret(cursor.fetchone()[0])
    assert "audit_create_api_key('logged')" in logging_server.log
    assert not logging_server.shows(key)
