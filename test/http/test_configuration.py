# Settings: where they come from, and that a wrong one is a clear line on stderr and exit 2 before it listens.
import json
import os
import re
import socket
import stat
from urllib.parse import quote

import pytest
from psycopg2 import sql

import tokens
from daemon import as_arguments, run
from database import SCHEMA, temporary_database
from http_client import request_bytes
from support import REPOSITORY, eventually

OPTIONS = ("listen", "database", "pool-size", "queue-limit", "query-timeout-ms", "request-timeout-ms",
           "token-secret-file", "token-lifetime-s", "token-issuer", "token-audience", "jwks-file", "jwks-url",
           "jwks-refresh-s", "idp-issuer", "idp-audience", "idp-algorithms", "idp-user-id-claim", "idp-role-claim",
           "principal-cache-s", "login-attempts", "login-window-s", "log-level", "check-config", "config",
           "admin-listen", "log-format", "server-timing", "connection-limit", "connections-per-address",
           "address-requests-per-s", "principal-requests-per-s", "head-limit-bytes", "target-limit-bytes",
           "body-limit-bytes", "body-memory-mb", "receive-timeout-s", "answer-bytes-per-s", "idle-timeout-s", "gzip-min-bytes",
           "trusted-proxies")

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00) (info|warning|error) ")
GOOD_SECRET = "s" * 32
IDP = {"idp_issuer": tokens.IDP_ISSUER, "idp_audience": tokens.IDP_AUDIENCE}


@pytest.fixture(scope="module")
def good(database):
    """Options with which it would start; on a free port, should it."""
    return {"listen": "127.0.0.1:0", "admin_listen": "off", "database": database.conninfo()}


@pytest.fixture(scope="module")
def files(write_file, provider, directory):
    """What the wrong settings below name as {name}."""
    jwk_set = json.dumps(provider.jwk_set())
    return {
        "secret": write_file("secret", GOOD_SECRET),
        "short": write_file("secret", "s" * 31),
        "empty": write_file("empty", ""),
        "jwks": write_file("jwks.json", jwk_set),
        "no_json": write_file("jwks.json", jwk_set[:-10]),
        "no_set": write_file("jwks.json", "[1, 2]"),
        "no_keys": write_file("jwks.json", '{"keys": []}'),
        "only_symmetric": write_file("jwks.json", json.dumps({"keys": jwk_set and provider.jwk_set()["keys"][-1:]})),
        "directory": directory,
        "missing": os.path.join(directory, "no", "such", "file"),
    }


def assert_refused(result, *names):
    """Exit 2, and one line that names the setting (by any of `names`): no stack, no usage text. Where it got as far as
    writing its log, the log's lines do not count."""
    assert result.returncode == 2, (result.returncode, result.stderr)
    assert "listening" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.strip() and not LOG_LINE.match(line)]
    assert len(lines) == 1, result.stderr
    assert any(name in lines[0] for name in names), (names, lines[0])
    assert result.stdout == ""


WRONG = [
    ("listen", ""), ("listen", "nonsense"), ("listen", "127.0.0.1"), ("listen", "127.0.0.1:"),
    ("listen", "127.0.0.1:65536"),
    ("listen", "127.0.0.1:-1"), ("listen", "127.0.0.1:http"), ("listen", "127.0.0.1:80 80"), ("listen", "300.0.0.1:0"),
    ("listen", "[::1:0"), ("listen", "192.0.2.1:0"),
    ("pool_size", "0"), ("pool_size", "-1"), ("pool_size", "many"), ("pool_size", ""), ("pool_size", "8 "), ("pool_size", "+8"), ("pool_size", "0x8"), ("pool_size", "1_0"),
    ("pool_size", "1.5"),
    ("pool_size", "99999999999999999999"), ("queue_limit", "-1"), ("queue_limit", "x"),
    ("query_timeout_ms", "0"), ("query_timeout_ms", "-5"), ("query_timeout_ms", "5s"), ("request_timeout_ms", "0"),
    ("request_timeout_ms", "soon"), ("token_lifetime_s", "0"), ("token_lifetime_s", "-1"), ("token_lifetime_s", "1h"),
    ("principal_cache_s", "-1"), ("principal_cache_s", "x"), ("login_attempts", "0"), ("login_attempts", "x"),
    ("login_window_s", "0"), ("login_window_s", "x"), ("log_level", "loud"), ("log_level", ""), ("log_format", "xml"), ("server_timing", "yes"),
    ("admin_listen", ""), ("admin_listen", "nowhere"), ("admin_listen", "127.0.0.1:65536"),
    ("jwks_refresh_s", "x"),
    ("connection_limit", "0"), ("connections_per_address", "0"), ("address_requests_per_s", "-1"),
    ("principal_requests_per_s", "10/s"), ("head_limit_bytes", "4095"), ("target_limit_bytes", "255"),
    ("body_limit_bytes", "10MB"), ("body_memory_mb", "9"), ("receive_timeout_s", "0"), ("answer_bytes_per_s", "0"), ("idle_timeout_s", "0"),
    ("gzip_min_bytes", "-1"), ("trusted_proxies", "localhost"), ("trusted_proxies", "192.0.2.0/33"),
    ("trusted_proxies", "192.0.2.1,,192.0.2.2"), ("trusted_proxies", "2001:db8::/129"),
    ("database", "host"), ("database", "nonsense=1"), ("database", "postgresql://%zz"),
    ("token_secret_file", "{missing}"), ("token_secret_file", "{short}"), ("token_secret_file", "{empty}"),
    ("token_secret_file", "{directory}"), ("token_secret_file", ""), ("token_issuer", ""), ("token_audience", ""),
]


@pytest.mark.parametrize("how", ["flag", "environment", "file"])
@pytest.mark.parametrize("name, value", WRONG)
def test_wrong_setting(good, files, write_file, name, value, how):
    options = {**good, name: value.format(**files)}
    if name in ("token_issuer", "token_audience", "token_lifetime_s"):
        options["token_secret_file"] = files["secret"]
    assert_refused(run_with(options, name, how, write_file), name.replace("_", "-"))


def run_with(options, name, how, write_file):
    """Runs it with options[name] given in one of the three ways, the others by flag."""
    value = options[name]
    if how == "flag":
        return run(*as_arguments(options))
    others = as_arguments({key: value for key, value in options.items() if key != name})
    if how == "environment":
        return run(*others, environment={"AUDIT_HTTPD_" + name.upper(): value})
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return run("--config", write_file("audit_httpd.conf", f"{name.replace('_', '-')} = {quoted}\n"), *others)


WRONG_TOGETHER = [
    ({"jwks_file": "{missing}", **IDP}, "jwks-file"),
    ({"jwks_file": "{no_json}", **IDP}, "jwks-file"),
    ({"jwks_file": "{no_set}", **IDP}, "jwks-file"),
    ({"jwks_file": "{no_keys}", **IDP}, "jwks-file"),
    ({"jwks_file": "{only_symmetric}", **IDP}, "jwks-file"),
    ({"jwks_file": "{directory}", **IDP}, "jwks-file"),
    ({"jwks_file": "{jwks}", "jwks_url": "http://127.0.0.1:1/", **IDP}, "jwks-"),
    ({"jwks_file": "{jwks}", "idp_issuer": "x"}, "idp-audience"),
    ({"jwks_file": "{jwks}", "idp_audience": "x"}, "idp-issuer"),
    ({"jwks_file": "{jwks}", **IDP, "idp_algorithms": "HS256"}, "idp-algorithms"),
    ({"jwks_file": "{jwks}", **IDP, "idp_algorithms": "RS256,none"}, "idp-algorithms"),
    ({"jwks_file": "{jwks}", **IDP, "idp_algorithms": "RS257"}, "idp-algorithms"),
    ({"jwks_file": "{jwks}", **IDP, "idp_algorithms": ""}, "idp-algorithms"),
    ({"jwks_url": "ftp://example.com/keys", **IDP}, "jwks-url"),
    ({"jwks_url": "keys.json", **IDP}, "jwks-url"),
    ({"jwks_url": "http://idp.example.com/keys", **IDP}, "jwks-url"),
    ({"jwks_url": "http://127.0.0.1.example.com/keys", **IDP}, "jwks-url"),
    ({"idp_issuer": "x"}, "idp-issuer"),
    ({"idp_audience": "x"}, "idp-audience"),
    ({"idp_user_id_claim": "x"}, "idp-user-id-claim"),
    ({"idp_role_claim": "x"}, "idp-role-claim"),
    ({"jwks_file": "{jwks}", "token_secret_file": "{secret}", "idp_issuer": "audit_httpd", "idp_audience": "x"},
     "issuer"),
]


@pytest.mark.parametrize("options, setting", WRONG_TOGETHER, ids=str)
def test_wrong_settings_together(good, files, options, setting):
    options = {name: value.format(**files) for name, value in options.items()}
    assert_refused(run(*as_arguments({**good, **options})), setting)


@pytest.mark.parametrize("arguments, named", [
    (("--no-such-option",), "no-such-option"), (("--no-such-option", "x"), "no-such-option"),
    (("argument",), "argument"),
    (("--pool-size",), "pool-size"), (("--config", "/no/such/file"), "/no/such/file"), (("-x",), "-x"),
    (("--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0x"), "listen"),
])
def test_wrong_command_line(good, arguments, named):
    assert_refused(run(*as_arguments({"database": good["database"]}), *arguments), named)


@pytest.mark.parametrize("content, named", [
    ("no-such-setting = 1\n", "unknown setting no-such-setting "), ("pool-size = 8 # sessions\n", "comment"),
    ("pool-size\n", "pool-size"), ("pool-size 8\n", "pool-size"), ("\x00\x01\x02", "config"), ("= 8\n", "config"),
    ("[section]\npool-size = 8\n", "sections are not known: section "),
])
def test_wrong_file(good, write_file, content, named):
    path = write_file("audit_httpd.conf", content)
    assert_refused(run("--config", path, *as_arguments(good)), named, path)


def test_unknown_variable_of_the_daemon_is_a_typing_error(good):
    result = run(*as_arguments(good), "--check-config", environment={"AUDIT_HTTPD_POOLSIZE": "1"})
    # It must not be ignored in silence; a warning and an error are both right.
    assert "AUDIT_HTTPD_POOLSIZE" in result.stderr


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o660, 0o601])
def test_secret_file_that_others_can_get_at(good, write_file, mode):
    path = write_file("secret", GOOD_SECRET, mode)
    result = run(*as_arguments({**good, "token_secret_file": path}))
    assert_refused(result, "token-secret-file")
    assert path in result.stderr and GOOD_SECRET not in result.stderr
    assert stat.S_IMODE(os.stat(path).st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_secret_file_of_the_owner(good, write_file, mode):
    path = write_file("secret", GOOD_SECRET, mode)
    assert run(*as_arguments({**good, "token_secret_file": path}), "--check-config").returncode == 0


def test_config_file_with_a_password_is_never_quoted(write_file, good):
    path = write_file("audit_httpd.conf", 'database = "host=x password=hunter2hunter2 nonsense=1"\n')
    result = run("--config", path, "--listen", "127.0.0.1:0")
    assert result.returncode == 2 and "hunter2" not in result.stderr
    for database in ("host=x password=hunter2hunter2 nonsense=1", "password=hunter2hunter2 host",
                     "postgresql://u:hunter2hunter2@%zz/db"):
        result = run("--listen", "127.0.0.1:0", "--database", database)
        assert result.returncode == 2 and "hunter2" not in result.stderr + result.stdout


def test_superuser_is_refused(database):
    result = run("--listen", "127.0.0.1:0", "--database", database.conninfo(user=database.superuser, password=None))
    assert_refused(result, "superuser")
    assert "database" in result.stderr


def test_role_that_can_become_superuser_is_refused(database):
    role = database.create_role("becomes_superuser", "password of that role")
    database.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(database.superuser), sql.Identifier(role)))
    database.call("audit_grant_frontend", role)
    conninfo = database.conninfo(user=role, password="password of that role")
    result = run("--listen", "127.0.0.1:0", "--database", conninfo)
    assert_refused(result, "superuser")


def assert_unready(daemon, hint):
    """Waits for the database, and says in the log what to do."""
    answer = daemon.client.get("/readyz")
    assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert daemon.client.get("/healthz").status == 200
    assert hint in daemon.log


def test_database_without_the_extension_yet(database, start_daemon):
    """Services are often started before the database is set up."""
    assert_unready(start_daemon(database=database.conninfo(dbname="template1")), "CREATE EXTENSION audit_ext")


def test_role_without_the_grants_yet(database, start_daemon, key):
    role = database.create_role("nobody", "password of nobody")
    daemon = start_daemon(database=database.conninfo(user=role, password="password of nobody"))
    assert_unready(daemon, "audit_grant_frontend")
    database.call("audit_grant_frontend", role)
    eventually(lambda: daemon.client.get("/readyz").status == 200, "ready once the rights are granted")
    assert daemon.client.list(key).status == 200


def test_role_that_becomes_too_mighty(start_daemon):
    """Noticed by the pool's check of its sessions, every few seconds."""
    with temporary_database() as own:
        daemon = start_daemon(database=own.conninfo())
        assert daemon.client.get("/readyz").status == 200
        role = sql.Identifier(own.frontend)
        own.execute(sql.SQL("ALTER ROLE {} CREATEROLE").format(role))
        eventually(lambda: daemon.client.get("/readyz").status == 503, "not ready")
        eventually(lambda: "CREATEROLE" in daemon.log, "why, in the log")
        own.execute(sql.SQL("ALTER ROLE {} NOCREATEROLE").format(role))
        eventually(lambda: daemon.client.get("/readyz").status == 200, "ready again")
        daemon.stop()


def test_other_versions_of_the_extension(start_daemon):
    """An older one until it is updated, and one of another major version; later ones of the same major version serve."""
    with temporary_database() as own:
        for version, is_served in (("0.9", False), ("2.0", False), ("1.17", True)):
            own.execute("UPDATE pg_extension SET extversion = %s WHERE extname = 'audit_ext'", (version,))
            daemon = start_daemon(database=own.conninfo())
            if is_served:
                assert daemon.client.get("/readyz").status == 200
            else:
                assert_unready(daemon, "ALTER EXTENSION audit_ext UPDATE")
                own.execute("UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'audit_ext'")
                eventually(lambda: daemon.client.get("/readyz").status == 200, "ready once it is updated")
            daemon.stop()


@pytest.mark.parametrize("setting", ["listen", "admin_listen"])
def test_address_in_use(good, setting):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run(*as_arguments({**good, setting: f"127.0.0.1:{port}"}))
        assert_refused(result, "--" + setting.replace("_", "-"))
        assert str(port) in result.stderr


def test_check_config(good, files):
    options = {**good, "token_secret_file": files["secret"], "jwks_file": files["jwks"], **IDP}
    result = run(*as_arguments(options), "--check-config")
    assert (result.returncode, "listening" in result.stderr) == (0, False), result.stderr
    assert_refused(run(*as_arguments({**options, "pool_size": 0}), "--check-config"), "pool-size")
    assert_refused(run(*as_arguments({**options, "token_secret_file": files["short"]}), "--check-config"),
                   "token-secret-file")


def test_help_names_every_option_with_its_default():
    result = run("--help")
    assert (result.returncode, result.stderr) == (0, "")
    for name in OPTIONS:
        assert re.search(rf"--{name}\b", result.stdout), name
    for default in ("127.0.0.1:8080", "256", "5000", "10000", "3600", "audit_httpd", "audit_ext"):
        assert default in result.stdout, default
    assert "AUDIT_HTTPD_" in result.stdout


def test_version():
    with open(os.path.join(REPOSITORY, "audit_ext.control"), encoding="ascii") as file:
        version = re.search(r"default_version\s*=\s*'([^']+)'", file.read())[1]
    result = run("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(rf"audit_httpd {re.escape(version)}(\.\d+)?", result.stdout.strip())


def test_flags_go_before_environment_before_file(good, files, write_file, start_daemon, user):
    path = write_file("audit_httpd.conf", "# a comment\n\ntoken-lifetime-s = 100\ntoken-issuer = \"from the file\"\n"
                                          "token-audience = from_the_file\n")
    daemon = start_daemon(config=path, token_lifetime_s=300, token_secret_file=files["secret"],
                          environment={"AUDIT_HTTPD_TOKEN_LIFETIME_S": "200", "AUDIT_HTTPD_TOKEN_ISSUER": "environment",
                                       "AUDIT_HTTPD_DATABASE": good["database"]})
    claims = tokens.jwt.decode(daemon.client.token(*user), options={"verify_signature": False})
    assert (claims["exp"] - claims["iat"], claims["iss"], claims["aud"]) == (300, "environment", "from_the_file")


def test_config_file_by_environment(good, write_file, start_daemon, key):
    path = write_file("audit_httpd.conf", f"database = \"{good['database']}\"\n")
    assert start_daemon({"AUDIT_HTTPD_CONFIG": path}).client.list(key).status == 200


def test_database_by_libpq_environment_and_uri(database, start_daemon, key):
    info = database.connection.info
    variables = {"PGHOST": info.host, "PGPORT": str(info.port), "PGDATABASE": database.name,
                 "PGUSER": database.frontend,
                 "PGPASSWORD": database.frontend_password}
    assert start_daemon(variables).client.list(key).status == 200
    uri = (f"postgresql://{database.frontend}:{quote(database.frontend_password)}@/{database.name}"
           f"?host={quote(info.host, safe='')}&port={info.port}")
    assert start_daemon(database=uri).client.list(key).status == 200


def test_listen_on_ipv6(database, start_daemon, key):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 on this machine")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no ::1 on this machine")
    daemon = start_daemon(listen="[::1]:0", database=database.conninfo())
    assert daemon.client.address[0] == "::1"
    with daemon.client.connect() as connection:
        connection.send(request_bytes("/readyz"))
        assert connection.receive().status == 200


def test_quiet_log_levels_are_quiet(database, start_daemon, key):
    daemon = start_daemon(database=database.conninfo(), log_level="debug")
    assert daemon.client.list(key, status="a value that is private").status == 200
    assert daemon.client.list("a key that is wrong").status == 401
    daemon.stop()  # which looks for the key and the database's password in the most talkative log there is


def test_hosts_tried_in_turn(database, start_daemon, key):
    """libpq takes several hosts; the first of these is not there."""
    info = database.connection.info
    conninfo = database.conninfo(host=f"127.0.0.1,{info.host}", port=f"1,{info.port}")
    assert start_daemon(database=conninfo).client.list(key).status == 200
