# TLS: what is spoken, what is refused at the start, and certificates of clients as credentials.
import contextlib
import os
import socket
import ssl
import subprocess

import pytest
import requests

from certificates import CLIENT, SERVER, Authority
from daemon import as_arguments, run
from http_client import EVENTS, credentials
from support import DEADLINE_S, eventually
from test_configuration import assert_refused
from test_service import refused


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def client_authority():
    return Authority("the clients' CA")


@pytest.fixture(scope="module")
def files(authority, client_authority, write_file):
    """Paths of what settings below name as {name}."""
    certificate, key = authority.issue("localhost")
    _other, other_key = authority.issue("localhost")
    expired, expired_key = authority.issue("localhost", from_day=-2, to_day=-1)
    future, future_key = authority.issue("localhost", from_day=1, to_day=2)
    return {
        "ca": write_file("ca.pem", authority.pem), "client_ca": write_file("client_ca.pem", client_authority.pem),
        "certificate": write_file("certificate.pem", certificate, 0o644), "key": write_file("key.pem", key),
        "other_key": write_file("key.pem", other_key),
        "expired": write_file("expired.pem", expired), "expired_key": write_file("key.pem", expired_key),
        "future": write_file("future.pem", future), "future_key": write_file("key.pem", future_key),
        "public_key": write_file("key.pem", key, 0o644), "group_key": write_file("key.pem", key, 0o640),
        "damaged": write_file("certificate.pem", certificate[:100]), "empty": write_file("empty.pem", ""),
        "missing": "/no/such/file.pem", "directory": os.path.dirname(write_file("x", "")),
    }


@pytest.fixture(scope="module")
def options(database, files):
    return {"database": database.conninfo(), "tls_certificate_file": files["certificate"],
            "tls_key_file": files["key"], "tls_client_ca_file": files["client_ca"]}


@pytest.fixture
def tls_daemon(start_daemon, options):
    return start_daemon(**options)


@contextlib.contextmanager
def https(tls_daemon, files, certificate=None):
    """GETs a path of the daemon over TLS, on one connection, with the client's (certificate, key) if given."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify, session.cert = files["ca"], certificate

        def get(path, **headers):
            return session.get(f"https://localhost:{tls_daemon.client.address[1]}{path}", headers=headers,
                               timeout=DEADLINE_S)
        yield get


@pytest.fixture
def certificate_of(client_authority, write_file):
    """Issues a client's certificate; returns what requests takes."""
    def issue(*names, by=client_authority, **more):
        certificate, key = by.issue(*names, **{"purpose": CLIENT, **more})
        return write_file("client.pem", certificate), write_file("client_key.pem", key)
    return issue


def handshake(tls_daemon, files, **limits):
    """The session's (protocol, cipher), or None where there is none to agree on."""
    context = ssl.create_default_context(cafile=files["ca"])
    context.minimum_version = limits.get("low", ssl.TLSVersion.MINIMUM_SUPPORTED)
    context.maximum_version = limits.get("high", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    if "ciphers" in limits:
        context.set_ciphers(limits["ciphers"])
    try:
        with socket.create_connection(tls_daemon.client.address, timeout=DEADLINE_S) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as encrypted:
                return encrypted.version(), encrypted.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None


def test_a_page_and_many_requests_on_one_connection(tls_daemon, files, client, auth):
    with https(tls_daemon, files) as get:
        for _ in range(20):
            answer = get(EVENTS + "?limit=200", **auth)
            assert answer.status_code == 200 and answer.content == client.get(EVENTS + "?limit=200", headers=auth).body
        assert get(EVENTS).status_code == 401


def test_plain_http_gets_no_answer(tls_daemon):
    with tls_daemon.client.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.receive() is None
    assert "listening on https://" in tls_daemon.log


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_versions_and_ciphers(tls_daemon, files):
    version = ssl.TLSVersion
    assert handshake(tls_daemon, files)[0] == "TLSv1.3"
    assert handshake(tls_daemon, files, high=version.TLSv1_2)[0] == "TLSv1.2"
    old = {"low": version.TLSv1, "ciphers": "ALL:@SECLEVEL=0"}
    assert handshake(tls_daemon, files, high=version.TLSv1_1, **old) is None
    assert handshake(tls_daemon, files, high=version.TLSv1_2, **old) is not None
    for weak in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "NULL", "aNULL"):
        limits = {"high": version.TLSv1_2, "low": version.TLSv1_2, "ciphers": weak + ":@SECLEVEL=0"}
        assert handshake(tls_daemon, files, **limits) is None, weak


def test_clients_cannot_renegotiate(tls_daemon, files):
    """At "R" s_client begins a second handshake. Its input stays open: it ends only because the daemon closes."""
    command = ["openssl", "s_client", "-tls1_2", "-CAfile", files["ca"], "-connect", "127.0.0.1:%d" % tls_daemon.client.address[1]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        client.wait(DEADLINE_S)
        assert b"\nRENEGOTIATING\n" in client.stdout.read()


def test_broken_handshakes_hurt_no_other_client(tls_daemon, files, auth):
    for data in (b"", b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x05hello", os.urandom(2000)):
        with tls_daemon.client.connect() as connection:
            connection.send(data)
    with https(tls_daemon, files) as get:
        assert get(EVENTS, **auth).status_code == 200
    eventually(lambda: tls_daemon.open_files < 40, "the broken connections are gone")


def test_users_by_certificate(database, tls_daemon, files, certificate_of):
    database.create_user("by certificate", "a long password")
    with https(tls_daemon, files, certificate_of("by certificate")) as get:
        assert get(EVENTS).status_code == 200
    eventually(lambda: 'principal="user:by certificate"' in tls_daemon.log, "the user's name in the log")
    with https(tls_daemon, files, certificate_of("nobody of that name")) as get:
        assert get(EVENTS).status_code == 401


def test_scopes_and_user_id_of_the_user(database, tls_daemon, files, certificate_of):
    database.create_user("own events by certificate", "a long password", scopes=["audit:read:self"], user_id=6)
    with https(tls_daemon, files, certificate_of("own events by certificate")) as get:
        assert {item["user_id"] for item in get(EVENTS).json()["items"]} == {6}
        assert get(EVENTS + "?user_id=5").status_code == 403


def test_dropped_user(database, tls_daemon, files, certificate_of):
    database.create_user("soon dropped", "a long password")
    with https(tls_daemon, files, certificate_of("soon dropped")) as get:
        assert get(EVENTS).status_code == 200
        database.call("audit_drop_user", "soon dropped")
        eventually(lambda: get(EVENTS).status_code == 401, "a dropped user is refused")


def test_other_credentials_count_more(database, tls_daemon, files, certificate_of, auth):
    database.create_user("has a certificate", "a long password")
    with https(tls_daemon, files, certificate_of("has a certificate")) as get:
        assert get(EVENTS, **credentials("a wrong key")).status_code == 401
        assert get(EVENTS, Authorization="Bearer x").status_code == 401
    with https(tls_daemon, files, certificate_of("nobody at all")) as get:
        assert get(EVENTS, **auth).status_code == 200


@pytest.mark.parametrize("names", [(), ("two names", "by certificate"), ("a\\,b",), ("a,b",), ("by certificate\0",)],
                         ids=str)
def test_names_that_are_of_no_use(database, tls_daemon, files, certificate_of, names):
    for name in ("a,b", "a\\,b"):
        with contextlib.suppress(Exception):
            database.create_user(name, "a long password")
    try:
        certificate = certificate_of(*names)
    except ValueError:
        pytest.skip("no such certificate can be made")
    with https(tls_daemon, files, certificate) as get:
        assert get(EVENTS).status_code == 401


def test_certificates_that_are_refused(database, tls_daemon, files, certificate_of, authority):
    database.create_user("refused", "a long password")
    stranger = Authority("the clients' CA")
    for wrong in (certificate_of("refused", by=authority), certificate_of("refused", by=stranger),
                  certificate_of("refused", from_day=-2, to_day=-1), certificate_of("refused", from_day=1, to_day=2),
                  certificate_of("refused", purpose=SERVER)):
        with https(tls_daemon, files, wrong) as get, pytest.raises(requests.ConnectionError):
            get("/healthz")


WRONG = [
    ({"tls_certificate_file": "{missing}"}, "tls-certificate-file"),
    ({"tls_certificate_file": "{directory}"}, "tls-certificate-file"),
    ({"tls_certificate_file": "{damaged}"}, "tls-certificate-file"),
    ({"tls_certificate_file": "{empty}"}, "tls-certificate-file"),
    ({"tls_certificate_file": "{key}"}, "tls-certificate-file"),
    ({"tls_certificate_file": "{expired}", "tls_key_file": "{expired_key}"}, "tls-certificate-file"),
    ({"tls_certificate_file": "{future}", "tls_key_file": "{future_key}"}, "tls-certificate-file"),
    ({"tls_key_file": "{missing}"}, "tls-key-file"), ({"tls_key_file": "{other_key}"}, "tls-key-file"),
    ({"tls_key_file": "{certificate}"}, "tls-key-file"), ({"tls_key_file": "{empty}"}, "tls-key-file"),
    ({"tls_key_file": "{public_key}"}, "tls-key-file"), ({"tls_key_file": "{group_key}"}, "tls-key-file"),
    ({"tls_client_ca_file": "{missing}"}, "tls-client-ca-file"),
    ({"tls_client_ca_file": "{key}"}, "tls-client-ca-file"), ({"tls_client_ca_file": "{empty}"}, "tls-client-ca-file"),
    ({"tls_key_file": None}, "tls-certificate-file"), ({"tls_certificate_file": None}, "tls-key-file"),
    ({"tls_key_file": None, "tls_certificate_file": None}, "tls-client-ca-file"),
]


@pytest.mark.parametrize("wrong, setting", WRONG, ids=str)
def test_wrong_files(options, files, write_file, wrong, setting):
    """By flag and from a file, which the message names, too."""
    changes = {name: value and value.format(**files) for name, value in wrong.items()}
    chosen = {name: value for name, value in {**options, **changes}.items() if value is not None}
    arguments = as_arguments({**chosen, "listen": "127.0.0.1:0", "admin_listen": "off"})
    result = run(*arguments)
    assert_refused(result, "--" + setting)
    assert changes.get(setting.replace("-", "_"), None) is None or changes[setting.replace("-", "_")] in result.stderr
    path = write_file("audit_httpd.conf", "".join(
        f"{name.replace('_', '-')} = \"{value}\"\n" for name, value in chosen.items()) + "admin-listen = off\n")
    result = run("--config", path)
    assert_refused(result, "--" + setting)
    assert path in result.stderr


def test_check_config_reads_the_files(options, files):
    arguments = as_arguments({**options, "check_config": True})
    assert run(*arguments).returncode == 0
    assert_refused(run(*as_arguments({**options, "tls_key_file": files["other_key"], "check_config": True})),
                   "tls-key-file")


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_plain_http_beyond_this_machine_must_be_wanted(database, address):
    """--check-config: what it takes is nowhere served in this test."""
    options = {"database": database.conninfo(), "check_config": True}
    for setting in ("listen", "admin-listen"):
        result = run(*as_arguments({**options, setting: address}))
        assert_refused(result, f"--{setting}")
        assert "--plain-http" in result.stderr
        assert run(*as_arguments({**options, setting: address, "plain_http": "anywhere"})).returncode == 0


def test_tls_is_enough_to_listen_anywhere(options):
    options = {**options, "check_config": True, "listen": "0.0.0.0:0"}
    assert run(*as_arguments(options)).returncode == 0
    assert_refused(run(*as_arguments({**options, "admin_listen": "0.0.0.0:0"})), "--admin-listen")


def test_socket_of_systemd_that_is_not_for_plain_http(database):
    with socket.create_server(("0.0.0.0", 0)) as public:
        complaint = refused([("http", public)], database=database.conninfo(), admin_listen="off")
    assert "--listen" in complaint and "--plain-http" in complaint
