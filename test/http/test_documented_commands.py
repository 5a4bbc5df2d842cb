# The commands that the documents print: each is run here, or by another test, or cannot be run by one.
import json
import os
import re
import subprocess

import pytest

from daemon import Daemon
from database import SCHEMA, temporary_database, unique_name
from support import REPOSITORY, secret
from test_documentation import DOCUMENTS, read

# By whom others are run: what the test has to contain for it.
ELSEWHERE = {
    "scripts/demo": ("test/demo/run", "starts() { demo --detach"),
    "scripts/demo --detach": ("test/demo/run", "starts() { demo --detach"),
    "scripts/demo --status": ("test/demo/run", "demo --status"),
    "scripts/demo --stop": ("test/demo/run", "demo --stop"),
    "set -a; . ~/.local/state/audit_ext_demo/demo.env; set +a": ("test/demo/run", "demo.env"),
    "make && sudo make install": ("test/install/run", "install"),
    "make -j2 && sudo make WITH_HTTPD=no install": ("scripts/check", "WITH_HTTPD=no"),
    "make installcheck": ("scripts/check", "installcheck"),
    "make PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config": ("scripts/check", "PG_CONFIG="),
    "sudo make PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config install": ("test/install/run", "install"),
    "sudo make PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config uninstall": ("test/install/run", "uninstall"),
    "pg_dump -Fc -f app.dump app": ("test/dump_restore/run", "pg_dump -Fc"),
    "createdb app_copy": ("test/dump_restore/run", "make_database"),
    "pg_restore -j2 --exit-on-error -d app_copy app.dump": ("test/dump_restore/run", "pg_restore -j2 --exit-on-error"),
    "pg_basebackup -D /var/lib/postgresql/15/standby -h primary -U replicator --write-recovery-conf --checkpoint=fast":
        ("test/http/cluster.py", '"--write-recovery-conf", "--checkpoint"'),
    "pg_ctl -D /var/lib/postgresql/15/standby promote": ("test/http/cluster.py", '_control("promote")'),
    "pg_upgrade -b /usr/lib/postgresql/15/bin -B /usr/lib/postgresql/17/bin -d /etc/postgresql/15/main -D /etc/postgresql/17/main --link":
        ("test/pg_upgrade/run", "/pg_upgrade"),
    "pgbackrest --stanza=main stanza-create": ("test/pgbackrest/run", "backrest stanza-create"),
    "pgbackrest --stanza=main --type=full backup": ("test/pgbackrest/run", "backrest --type=full backup"),
    "pgbackrest --stanza=main --type=incr backup": ("test/pgbackrest/run", "backrest --type=incr backup"),
    "pgbackrest --stanza=main --delta --type=name --target='before the release' --target-action=promote restore":
        ("test/pgbackrest/run", "backrest --delta --type=name --target="),
    "psql -h publisher -d app -c \"COPY (SELECT * FROM audit_events WHERE created_at >= '2020-01-01Z') TO stdout\" | psql -d app   -c "
    "\"CREATE TEMP TABLE missed (LIKE audit_events)\" -c \"COPY missed FROM stdin\" -c \"INSERT INTO audit_events SELECT m.*   FROM "
    "missed m WHERE NOT EXISTS (SELECT FROM audit_events e WHERE (e.created_at, e.id) = (m.created_at, m.id))\"":
        ("test/replication/run", "copy_missed"),
    **dict.fromkeys((
        'psql -d app -c "COPY audit_events_20250101 TO STDOUT" | psql -h archive.example.com -d app -c "COPY audit_events FROM STDIN"',
        'psql -d app -Atc "SELECT count(*), sum(hashtextextended(e::text, 0)) FROM audit_events_20250101 e"',
        'psql -h archive.example.com -d app -Atc "SELECT count(*), sum(hashtextextended(e::text, 0)) FROM month_202501 e"'),
        ("test/foreign/test_documented.py", "archive.example.com")),
    "audit_httpd --config audit_httpd.conf": ("test/http/test_reload.py", "config="),
}

# What no test here can run.
NEEDS_A_MACHINE_OF_ITS_OWN = {
    "scripts/check": "is what runs this test",
    "bench/run --events 500000 --seconds 1 > report.md": "takes minutes and a quiet machine",
    "bench/run > report.md": "takes minutes and a quiet machine",
    "git pull": "changes the clone",
    "sudo systemctl daemon-reload": "needs systemd",
    "sudo systemctl enable --now audit_maintain.timer": "needs systemd",
    "sudo systemctl enable --now audit_httpd.socket audit_httpd.service": "needs systemd",
    "systemctl status audit_httpd": "needs systemd",
    "openssl rand -hex 32 | sudo tee /etc/audit_httpd/secrets/token >/dev/null": "writes into /etc",
    "sudo chmod 600 /etc/audit_httpd/secrets/token": "writes into /etc",
    "sudoedit /etc/audit_httpd/audit_httpd.conf": "opens an editor",
    'htpasswd -nBC 10 "" | tr -d \':\\n\'': "asks for a password",
}

# Its commands are run by test/packages: the first block by build, the second as it is printed.
PACKAGES = "docs/packages.md"

# Roles of the documents, which belong to the whole server.
ROLES = ("auditor", "app", "audit_httpd", "audit_maintainer", "billing_auditor", "tenant_a")


def blocks(document, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", read(document), re.DOTALL | re.MULTILINE)


def without_comment(line):
    return re.split(r"\s+# ", line)[0].strip()


def shell_commands(document):
    """Of the sh blocks: one a line, without comments; a script of several lines is one command."""
    for block in blocks(document, "sh"):
        block = block.replace("\\\n", "")
        if "while " in block:
            yield block
        else:
            yield from filter(None, map(without_comment, block.splitlines()))


def sessions(document):
    """(command, what it prints) of the console blocks."""
    for block in blocks(document, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.rstrip("\n").split("\n")
            count = 1
            while lines[count - 1].endswith(("|", "\\")):
                count += 1
            yield "\n".join(lines[:count]), "".join(lines[count:])


@pytest.fixture(scope="module")
def environment(secret_file):
    """The environment of demo.env, beside a daemon that may read and write."""
    with temporary_database() as database:
        database.call("audit_grant_writer", database.frontend)
        database.insert([{"event_group": group, "event_type": "auth.login", "status": status, "user_id": user_id}
                         for group in ("auth", "vm") for status in ("success", "failure") for user_id in range(1, 6)])
        key = database.create_api_key("demo", scopes=["audit:read", "audit:write"])
        username, password = database.create_user("demo", secret("demo of the documents"))
        daemon = Daemon(database=database.conninfo(), token_secret_file=secret_file)
        yield {**os.environ, "AUDIT_URL": "http://{}:{}".format(*daemon.client.address), "AUDIT_API_KEY": key, "AUDIT_USER": username,
               "AUDIT_PASSWORD": password, "PGDATABASE": database.name, "PGOPTIONS": '-c search_path="%s"' % SCHEMA.replace(" ", "\\ "),
               "no_proxy": "*"}
        daemon.stop()


def shell(command, environment):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def shape(value):
    """Of a JSON value: its members, without what differs each time."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(member) for member in value] if isinstance(value, list) else None


@pytest.mark.parametrize("command, printed", [session for document in DOCUMENTS for session in sessions(document)])
def test_console_sessions(environment, command, printed):
    answer = shell(command, environment)
    assert answer
    if command.startswith("psql"):
        assert answer.splitlines()[0].split() == printed.split("-----")[0].split()
    elif '"detail"' in printed:
        assert json.loads(answer) == json.loads(printed)
    elif "..." not in printed.replace("J9.…", ""):
        assert shape(json.loads(answer)) == shape(json.loads(printed))
    else:
        assert list(json.loads(answer)) == re.findall(r'[{,]"(items|next_cursor|access_token|token_type|expires_in|scope)":', printed)


def run_here(document):
    if document == PACKAGES:
        return []
    return [command for command in shell_commands(document)
            if command.startswith(("curl", "psql -c \"SELECT", "url=")) or "--check-config" in command or "CREATE EXTENSION" in command]


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if document != PACKAGES])
def test_every_shell_command_is_run_somewhere(document):
    accounted = set(ELSEWHERE) | set(NEEDS_A_MACHINE_OF_ITS_OWN) | set(run_here(document))
    assert [command for command in shell_commands(document) if command not in accounted and "apt-get install" not in command] == []


def test_packages_are_built_and_tried_as_printed():
    build, follow = blocks(PACKAGES, "sh")
    assert build.splitlines() == ["apt-get update", "apt-get build-dep ./", "make deb"]
    assert all(part in read("test", "packages", "build") for part in ("apt_get update", "apt_get build-dep", "make deb"))
    assert len(follow.splitlines()) == 10 and "From nothing" in read("test", "packages", "booted")


def test_nothing_is_accounted_for_that_is_not_printed():
    printed = {command for document in DOCUMENTS for command in shell_commands(document)}
    assert (set(ELSEWHERE) | set(NEEDS_A_MACHINE_OF_ITS_OWN)) - printed == set()
    for path, part in ELSEWHERE.values():
        assert part in read(path), path


@pytest.mark.parametrize("command", [command for document in DOCUMENTS for command in run_here(document)
                                     if "CREATE EXTENSION" not in command and "audit_httpd" not in command])
def test_shell_commands(environment, command):
    assert shell(command, environment).count("\n") >= 1 or "/events?limit=1" in command


def test_packages_to_install_are_those_that_the_scripts_install():
    command = next(command for command in shell_commands("docs/operations.md") if "apt-get install" in command)
    named = {name.replace("-15", "-@") for name in command.split("apt-get install")[1].split()}
    packages = subprocess.run(["env", "-u", "PG_CONFIG", "bash", "-c", '. scripts/lib.sh && echo "${build_packages[@]}"'],
                              cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    assert named == set(packages)


@pytest.fixture
def bare(environment):
    """Runs SQL by psql in a database without the extension; names of roles are made unique, and go with it."""
    name = unique_name("db")
    roles = {role: unique_name(role) for role in ROLES}

    def psql(database, text):
        return subprocess.run(["psql", "-Xqv", "ON_ERROR_STOP=1", "-d", database], input=text, capture_output=True, text=True,
                              timeout=60, env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"})

    def run(text):
        text = re.sub(rf"\b({'|'.join(ROLES)})\b(?! %)", lambda role: roles[role[1]], text)
        done = psql(name, text)
        assert done.returncode == 0, (text, done.stderr)

    assert psql("postgres", f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'").returncode == 0
    yield run
    assert psql("postgres", f"DROP DATABASE {name} WITH (FORCE);" +
                "".join(f"DROP ROLE IF EXISTS {role};" for role in roles.values())).returncode == 0


def sql_of(document):
    """What is to be filled in by the reader is; what more servers are needed for is run by test_failover.py, test/replication/run,
    test/foreign/run and test/citus/run."""
    text = "\n".join(block for block in blocks(document, "sql") if not block.startswith(("CREATE SCHEMA", "-- on ")))
    # A hash of bcrypt, and no cursor.
    return text.replace("$2y$10$...", "$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01342").replace("'...'", "NULL")


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if sql_of(document)])
def test_sql(bare, document):
    text = sql_of(document)
    if "CREATE EXTENSION" not in text:
        bare("CREATE EXTENSION audit_ext CASCADE; CREATE ROLE tenant_a; SELECT audit_create_partition('2025-01-01Z', '2025-02-01Z');")
    bare(text)


def test_sql_in_a_schema_of_its_own(bare):
    block, = (block for block in blocks("docs/operations.md", "sql") if block.startswith("CREATE SCHEMA"))
    bare(block + "SELECT trail.audit_log('g', 't');")


def test_scripts_that_are_named_exist():
    for document in DOCUMENTS:
        for path in re.findall(r"`((?:scripts|bench|test|\.ci)/[\w./-]+)", read(document)):
            assert os.path.exists(os.path.join(REPOSITORY, path.rstrip("/."))), (document, path)
