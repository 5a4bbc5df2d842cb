# SIGHUP: what changes, what needs a restart, and that a mistake changes nothing.
import json
import os
import signal
import socket
import ssl
import time

import pytest

import tokens
from certificates import CLIENT, Authority
from http_client import EVENTS, request_bytes
from support import DEADLINE_S, eventually, secret


class Service:
    """A daemon with a file of settings that can be changed."""

    def __init__(self, start_daemon, write_file, database, **settings):
        self.settings = {"database": database.conninfo(), "admin-listen": "127.0.0.1:0", **settings}
        self.path = write_file("audit_httpd.conf", self._text())
        self.daemon = start_daemon(config=self.path, admin_listen="127.0.0.1:0")

    def _text(self):
        return "".join(f'{name} = "{value}"\n' for name, value in self.settings.items() if value is not None)

    def reload(self, text=None, expect="settings reloaded", **changes):
        """Waits until the log says how it went."""
        self.settings.update({name.replace("_", "-"): value for name, value in changes.items()})
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(self._text() if text is None else text)
        before = self.daemon.log.count(expect)
        self.daemon.send(signal.SIGHUP)
        eventually(lambda: self.daemon.log.count(expect) > before, f"{expect} in the log")

    def refuse(self, *named, **changes):
        kept = dict(self.settings)
        self.reload(expect="settings not reloaded", **changes)
        line = [line for line in self.daemon.log.splitlines() if "settings not reloaded" in line][-1]
        assert all(name in line for name in named), line
        self.settings = kept


@pytest.fixture
def service(start_daemon, write_file, database, secret_file):
    return Service(start_daemon, write_file, database, **{"token-secret-file": secret_file})


def overwrite(path, content):
    """In one step, as an administrator should."""
    with open(path + ".new", "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path + ".new", 0o600)
    os.rename(path + ".new", path)


def test_log_level_and_format(service):
    client = service.daemon.client
    client.send("/nowhere", headers={"X-Request-ID": "first"})
    eventually(lambda: "first" in service.daemon.log, "a line for the request")
    service.reload(log_format="json", expect='"message":"settings reloaded"')
    client.send("/nowhere", headers={"X-Request-ID": "second"})
    eventually(lambda: "second" in service.daemon.log, "a line for the request")
    assert json.loads(service.daemon.log.splitlines()[-1])["request_id"] == "second"
    # With nothing logged, the reload itself cannot be seen; the wrong setting after it can.
    service.settings.update({"log-level": "warn"})
    service.refuse("pool-size", pool_size="x")
    service.settings.pop("pool-size", None)
    with open(service.path, "w", encoding="utf-8") as file:
        file.write(service._text())
    service.daemon.send(signal.SIGHUP)
    eventually(lambda: 'reloads_total{result="ok"} 2' in service.daemon.admin.get("/metrics").text, "reloaded")
    client.send("/nowhere", headers={"X-Request-ID": "third"})
    service.refuse("queue-limit", queue_limit="x")
    assert "third" not in service.daemon.log


def test_server_timing_and_login_attempts(service, key):
    assert "Server-Timing" not in service.daemon.client.list(key).headers
    service.reload(server_timing="on", login_attempts=1)
    assert "Server-Timing" in service.daemon.client.list(key).headers
    assert service.daemon.client.login("nobody", "a wrong password").status == 400
    assert service.daemon.client.login("nobody", "a wrong password").status == 429


def test_other_secret_for_tokens(service, write_file, user, key):
    client = service.daemon.client
    token = client.token(*user)
    assert client.list(token=token).status == 200
    service.reload()
    assert client.list(token=token).status == 200
    service.reload(token_secret_file=write_file("secret", secret("another secret " * 4)), token_lifetime_s=17)
    assert client.list(token=token).status == 401
    newer = client.login(*user).json()
    assert newer["expires_in"] == 17 and client.list(token=newer["access_token"]).status == 200
    assert client.list(key).status == 200


def test_own_tokens_off_and_on(service, user, secret_file):
    client = service.daemon.client
    token = client.token(*user)
    service.reload(token_secret_file=None)
    assert client.login(*user).status == 404 and client.list(token=token).status == 401
    service.reload(token_secret_file=secret_file)
    assert client.list(token=token).status == 200


def test_keys_of_the_provider(start_daemon, write_file, database):
    old, new = tokens.IdentityProvider(), tokens.IdentityProvider()
    path = write_file("jwks.json", json.dumps(old.jwk_set()))
    service = Service(start_daemon, write_file, database, **{
        "jwks-file": path, "idp-issuer": tokens.IDP_ISSUER, "idp-audience": tokens.IDP_AUDIENCE})
    client = service.daemon.client
    old_token, new_token = secret(old.sign("ec", "ES256")), secret(new.sign("ec", "ES256"))
    assert (client.list(token=old_token).status, client.list(token=new_token).status) == (200, 401)
    overwrite(path, json.dumps(new.jwk_set()))
    service.reload()
    assert (client.list(token=old_token).status, client.list(token=new_token).status) == (401, 200)
    overwrite(path, "nonsense")
    service.refuse("jwks-file", path)
    assert client.list(token=new_token).status == 200


def test_another_file_of_keys_needs_a_restart(start_daemon, write_file, database):
    old, new = tokens.IdentityProvider(), tokens.IdentityProvider()
    service = Service(start_daemon, write_file, database, **{
        "jwks-file": write_file("jwks.json", json.dumps(old.jwk_set())), "jwks-refresh-s": 1,
        "idp-issuer": tokens.IDP_ISSUER, "idp-audience": tokens.IDP_AUDIENCE})
    client = service.daemon.client
    old_token, new_token = secret(old.sign("ec", "ES256")), secret(new.sign("ec", "ES256"))
    service.reload(jwks_file=write_file("other_jwks.json", json.dumps(new.jwk_set())),
                   expect="--jwks-file: changes only with a restart")
    eventually(lambda: "settings reloaded" in service.daemon.log, "the rest is reloaded")
    assert (client.list(token=old_token).status, client.list(token=new_token).status) == (200, 401)


def test_what_needs_a_restart_is_said(service, key):
    address = service.daemon.client.address
    service.reload(pool_size=3, idle_timeout_s=5, expect="--pool-size: changes only with a restart")
    eventually(lambda: "--idle-timeout-s: changes only with a restart" in service.daemon.log, "a warning for each")
    assert service.daemon.client.address == address and service.daemon.client.list(key).status == 200
    eventually(lambda: "settings reloaded" in service.daemon.log, "the rest is reloaded")
    warnings = service.daemon.log.count("restart")
    service.settings.pop("pool-size")
    service.settings.pop("idle-timeout-s")
    service.reload()
    assert service.daemon.log.count("restart") == warnings


@pytest.mark.parametrize("changes", [
    {"pool_size": "0"}, {"no_such_setting": "1"}, {"token_secret_file": "/no/such/file"}, {"log_level": "loud"},
    {"login_window_s": "1m"}], ids=str)
def test_mistakes_change_nothing(service, changes, user):
    token = service.daemon.client.token(*user)
    service.refuse(next(iter(changes)).replace("_", "-"), server_timing="on", **changes)
    assert service.daemon.client.list(token=token).status == 200
    assert "Server-Timing" not in service.daemon.client.list(token=token).headers
    assert 'reloads_total{result="failed"} 1' in service.daemon.admin.get("/metrics").text


def test_file_that_is_gone(service, key):
    os.rename(service.path, service.path + ".away")
    service.daemon.send(signal.SIGHUP)
    eventually(lambda: "settings not reloaded" in service.daemon.log, "a complaint")
    assert service.daemon.client.list(key).status == 200


# Certificates

@pytest.fixture
def encrypted(start_daemon, write_file, database):
    """A service with TLS; its CAs and certificates can be replaced."""
    authority = Authority()
    certificate, key = authority.issue("localhost")
    made = Service(start_daemon, write_file, database, **{
        "tls-certificate-file": write_file("certificate.pem", certificate), "tls-key-file": write_file("key.pem", key),
        "tls-client-ca-file": write_file("client_ca.pem", authority.pem)})
    made.authority = authority
    return made


def open_tls(service, authority, client=None):
    context = ssl.create_default_context(cadata=authority.pem.decode())
    if client:
        context.load_cert_chain(*client)
    plain = socket.create_connection(service.daemon.client.address, timeout=DEADLINE_S)
    return context.wrap_socket(plain, server_hostname="localhost")


def get(connection, target, **headers):
    """The status of the answer, which is read to its end."""
    connection.sendall(request_bytes(target, headers=headers))
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(next((line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")),
                      b"0"))
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1])


def test_new_certificate_for_new_connections_while_old_ones_go_on(encrypted, key):
    newer = Authority("a newer CA")
    with open_tls(encrypted, encrypted.authority) as old:
        assert get(old, EVENTS, **{"X-API-Key": key}) == 200
        certificate, private_key = newer.issue("localhost")
        overwrite(encrypted.settings["tls-key-file"], private_key)
        overwrite(encrypted.settings["tls-certificate-file"], certificate)
        encrypted.reload()
        with open_tls(encrypted, newer) as new:
            assert get(new, EVENTS, **{"X-API-Key": key}) == 200
        with pytest.raises(ssl.SSLError):
            open_tls(encrypted, encrypted.authority)
        assert get(old, EVENTS, **{"X-API-Key": key}) == 200


def test_wrong_certificate_keeps_the_old_one(encrypted, key):
    expired, expired_key = encrypted.authority.issue("localhost", from_day=-2, to_day=-1)
    overwrite(encrypted.settings["tls-key-file"], expired_key)
    encrypted.refuse("tls-key-file", "does not match")
    overwrite(encrypted.settings["tls-certificate-file"], expired)
    encrypted.refuse("tls-certificate-file", "expired")
    with open_tls(encrypted, encrypted.authority) as connection:
        assert get(connection, EVENTS, **{"X-API-Key": key}) == 200


def test_other_ca_of_clients(encrypted, database, write_file):
    name = f"client {time.monotonic_ns()}"
    database.create_user(name, "a long password")
    newer = Authority("another CA of clients")
    both = [tuple(write_file("client.pem", pem) for pem in authority.issue(name, purpose=CLIENT))
            for authority in (encrypted.authority, newer)]
    with open_tls(encrypted, encrypted.authority, both[0]) as connection:
        assert get(connection, EVENTS) == 200
    overwrite(encrypted.settings["tls-client-ca-file"], newer.pem)
    encrypted.reload()
    with open_tls(encrypted, encrypted.authority, both[1]) as connection:
        assert get(connection, EVENTS) == 200
    with pytest.raises((ssl.SSLError, ConnectionError, ValueError, IndexError)):
        with open_tls(encrypted, encrypted.authority, both[0]) as connection:
            get(connection, EVENTS)


def test_tls_stays_on_or_off(encrypted):
    encrypted.refuse("tls-certificate-file", "restart",
                     tls_certificate_file=None, tls_key_file=None, tls_client_ca_file=None)
