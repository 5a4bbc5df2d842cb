# Bearer tokens of an identity provider: its algorithms, key ids, claims, and attempts to confuse them.
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest

import tokens
from contract import INVALID_CREDENTIALS, assert_answer, assert_insufficient_scope
from daemon import Daemon
from events import select_ids
from support import eventually

IDP_OPTIONS = {"idp_issuer": tokens.IDP_ISSUER, "idp_audience": tokens.IDP_AUDIENCE, "idp_user_id_claim": "employee"}
ALGORITHMS = "RS256,PS256,ES256,EdDSA"


@pytest.fixture(scope="module")
def jwks_file(write_file, provider):
    return write_file("jwks.json", json.dumps(provider.jwk_set()))


@pytest.fixture(scope="module")
def idp_daemon(database, jwks_file, secret_file):
    daemon = Daemon(database=database.conninfo(), jwks_file=jwks_file, token_secret_file=secret_file,
                    idp_algorithms=ALGORITHMS, **IDP_OPTIONS)
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def idp(idp_daemon):
    return idp_daemon.client


ACCEPTED = [("rsa-any", "RS256"), ("rsa-any", "PS256"), ("rsa-pinned", "RS256"), ("ec", "ES256"), ("ed", "EdDSA")]


@pytest.mark.parametrize("kid, algorithm", ACCEPTED)
def test_token_of_each_algorithm(idp, database, provider, kid, algorithm):
    assert idp.list(token=provider.sign(kid, algorithm)).ids == select_ids(database, limit=50)


@pytest.mark.parametrize("kid, algorithm", ACCEPTED)
def test_altered_token_of_each_algorithm(idp, provider, kid, algorithm):
    header, payload, signature = provider.sign(kid, algorithm).split(".")
    other = provider.sign(kid, algorithm, sub="mallory").split(".")[1]
    flipped = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    for text in (f"{header}.{other}.{signature}", f"{header}.{payload}.{flipped}", f"{header}.{payload}.",
                 f"{header}.{payload}.{signature[:-8]}"):
        assert_answer(idp.list(token=text), INVALID_CREDENTIALS)


def test_key_pinned_to_an_algorithm_is_not_used_with_another(idp, provider):
    assert_answer(idp.list(token=provider.sign("rsa-pinned", "PS256")), INVALID_CREDENTIALS)


@pytest.mark.parametrize("kid, algorithm", [("rsa-any", "RS384"), ("rsa-any", "RS512"), ("rsa-any", "PS512")])
def test_algorithm_that_is_not_configured(idp, provider, kid, algorithm):
    assert_answer(idp.list(token=provider.sign(kid, algorithm)), INVALID_CREDENTIALS)


def test_algorithms_can_be_narrowed(database, start_daemon, jwks_file, provider):
    client = start_daemon(database=database.conninfo(), jwks_file=jwks_file, idp_algorithms="ES256",
                          **IDP_OPTIONS).client
    assert client.list(token=provider.sign("ec", "ES256")).status == 200
    for kid, algorithm in (("rsa-any", "RS256"), ("rsa-any", "PS256"), ("ed", "EdDSA")):
        assert_answer(client.list(token=provider.sign(kid, algorithm)), INVALID_CREDENTIALS)


HOUR_S = 3600
REFUSED_CLAIMS = {
    "expired": {"exp": tokens.now_s() - HOUR_S}, "no expiry": {"exp": None}, "expiry is text": {"exp": "never"},
    "not yet valid": {"nbf": tokens.now_s() + HOUR_S}, "wrong audience": {"aud": "audit_ext"},
    "no audience": {"aud": None}, "empty audience": {"aud": []}, "wrong issuer": {"iss": tokens.IDP_ISSUER + "/"},
    "the daemon's own issuer": {"iss": tokens.ISSUER, "aud": tokens.AUDIENCE}, "no issuer": {"iss": None},
}


@pytest.mark.parametrize("change", REFUSED_CLAIMS.values(), ids=REFUSED_CLAIMS)
def test_wrong_claims(idp, provider, change):
    assert_answer(idp.list(token=provider.sign("rsa-any", "RS256", **change)), INVALID_CREDENTIALS)


def test_optional_claims_may_be_missing(idp, provider):
    assert idp.list(token=provider.sign("ec", "ES256", nbf=None, iat=None, jti=None)).status == 200


def hmac_with(key_bytes):
    return lambda provider: tokens.sign_by_hand(tokens.idp_claims(), {"alg": "HS256", "typ": "JWT", "kid": "rsa-any"},
                                                key_bytes(provider.keys["rsa-any"]))


def with_kid(provider, kid, algorithm, claimed_kid):
    return provider.sign(kid, algorithm, header={"kid": claimed_kid})


def by_attacker(provider, **header):
    """A good token in all but the key, which the header tries to bring along."""
    attacker = tokens.IdentityProvider()
    return tokens.sign(tokens.idp_claims(), attacker.keys["rsa-any"], "RS256",
                       **{name: value(attacker) if callable(value) else value for name, value in header.items()})


CONFUSED = {
    "HS256 with the PEM of the RSA key": hmac_with(tokens.public_pem),
    "HS256 with the PEM without its last newline": hmac_with(lambda key: tokens.public_pem(key).rstrip(b"\n")),
    "HS256 with the DER of the RSA key": hmac_with(tokens.public_der),
    "HS256 with the modulus": hmac_with(lambda key: key.public_key().public_numbers().n.to_bytes(256, "big")),
    "HS256 with an empty key": hmac_with(lambda key: b""),
    "HS256 with the set's symmetric key": lambda provider: tokens.sign(tokens.idp_claims(), provider.symmetric, "HS256",
                                                                       kid="symmetric"),
    "own claims with the set's symmetric key": lambda provider: tokens.sign(tokens.claims(epoch=1), provider.symmetric,
                                                                            "HS256", kid="symmetric"),
    "alg none": lambda provider: tokens.sign_by_hand(tokens.idp_claims(), {"alg": "none", "kid": "rsa-any"}, None),
    "unknown kid": lambda provider: with_kid(provider, "rsa-any", "RS256", "no-such-key"),
    "kid of another RSA key": lambda provider: with_kid(provider, "rsa-any", "RS256", "rsa-pinned"),
    "kid of another kind of key": lambda provider: with_kid(provider, "rsa-any", "RS256", "ec"),
    "kid of an RSA key for ES256": lambda provider: with_kid(provider, "ec", "ES256", "rsa-any"),
    "key meant for encryption": lambda provider: provider.sign("encryption", "RS256"),
    "attacker's key": lambda provider: by_attacker(provider, kid="rsa-any"),
    "attacker's key without kid": by_attacker,
    "attacker's key in the header": lambda provider: by_attacker(
        provider, kid="mine", jwk=lambda attacker: {**attacker.jwk("rsa-any"), "kid": "mine"}),
    "attacker's key by URL": lambda provider: by_attacker(provider, kid="mine", jku="http://127.0.0.1:9/jwks"),
    "attacker's certificate": lambda provider: by_attacker(provider, kid="rsa-any", x5c=["MIIB"]),
}


@pytest.mark.parametrize("forge", CONFUSED.values(), ids=CONFUSED)
def test_confused_token(idp, provider, forge):
    assert_answer(idp.list(token=forge(provider)), INVALID_CREDENTIALS)


def test_own_secret_does_not_sign_for_the_provider(idp, own_secret):
    assert_answer(idp.list(token=tokens.sign(tokens.idp_claims(), own_secret, "HS256")), INVALID_CREDENTIALS)


def test_own_tokens_work_beside_the_providers(idp, user, provider):
    assert idp.list(token=idp.token(*user)).status == 200
    assert idp.list(token=provider.sign("ed", "EdDSA")).status == 200


def test_provider_cannot_name_a_user_of_the_daemon(idp, provider, user):
    """The same subject by both: two people."""
    token = provider.sign("rsa-any", "RS256", sub=user[0], scope="audit:read:self", employee=6)
    assert idp.list(token=token, user_id=5).status == 403


@pytest.mark.parametrize("scope", ["", "openid profile", "audit:reads", "xaudit:read", "audit:read,audit:read:self",
                                   None])
def test_missing_scope(idp, provider, scope):
    assert_insufficient_scope(idp.list(token=provider.sign("ec", "ES256", scope=scope)))


def test_scope_among_others(idp, provider):
    assert idp.list(token=provider.sign("ec", "ES256", scope="openid audit:read profile")).status == 200


@pytest.mark.parametrize("employee", [5, -5, 2**63 - 1])
def test_self_scope_by_the_user_id_claim(idp, database, provider, employee):
    token = provider.sign("ec", "ES256", scope="audit:read:self", employee=employee)
    assert idp.list(token=token).ids == select_ids(database, user_id=employee, limit=50) != []
    assert idp.list(token=token, user_id=1).status == 403


@pytest.mark.parametrize("employee", [None, "abc", 2**63, 5.5, [5], {"id": 5}, True, ""])
def test_self_scope_without_a_usable_user_id(idp, provider, employee):
    """No events, never all events, and no server error."""
    answer = idp.list(token=provider.sign("ec", "ES256", scope="audit:read:self", employee=employee))
    assert answer.status in (401, 403) or answer.ids == []


def test_claim_does_not_choose_a_role_unless_configured(idp, provider, database):
    token = provider.sign("ec", "ES256", role=database.superuser, db_role=database.superuser)
    assert idp.list(token=token).ids == select_ids(database, limit=50)


@pytest.mark.parametrize("kid, algorithm", ACCEPTED)
def test_long_token(idp, provider, kid, algorithm):
    """Providers put groups into tokens; a few kB are usual."""
    assert idp.list(token=provider.sign(kid, algorithm, groups=["group-%d" % i for i in range(300)])).status == 200


# A key set by URL

class KeyServer:
    """Serves whatever `body` is at the time, and counts."""

    def __init__(self, body):
        self.body = body
        self.status = 200
        self.count = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.count += 1
                data = owner.body.encode()
                self.send_response(owner.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def key_server(provider):
    server = KeyServer(json.dumps(provider.jwk_set()))
    yield server
    server.close()


@pytest.fixture
def url_client(database, start_daemon, key_server):
    client = start_daemon(database=database.conninfo(), jwks_url=key_server.url, jwks_refresh_s=1,
                          idp_algorithms=ALGORITHMS, **IDP_OPTIONS).client
    return client


def test_key_set_by_url(url_client, provider):
    eventually(lambda: url_client.list(token=provider.sign("ec", "ES256")).status == 200, "the key set is fetched")
    assert_answer(url_client.list(token=provider.sign("ec", "ES256", exp=1)), INVALID_CREDENTIALS)


def test_rotated_keys(url_client, key_server, provider):
    old = provider.sign("ec", "ES256")
    eventually(lambda: url_client.list(token=old).status == 200, "the key set is fetched")
    following = tokens.IdentityProvider()
    new = tokens.sign(tokens.idp_claims(), following.keys["ec"], "ES256", kid="next")
    assert_answer(url_client.list(token=new), INVALID_CREDENTIALS)
    key_server.body = json.dumps({"keys": [{**following.jwk("ec"), "kid": "next"}]})
    eventually(lambda: url_client.list(token=new).status == 200, "the new key is known", 10)
    eventually(lambda: url_client.list(token=old).status == 401, "the old key is gone", 10)


@pytest.mark.parametrize("status, body", [(500, "{}"), (200, "not JSON"), (200, '{"keys": []}'), (200, "[]"), (404, ""),
                                          (200, '{"keys": "' + "x" * 2_000_000 + '"}')], ids=range(6))
def test_key_server_out_of_order(url_client, key_server, provider, status, body):
    """The keys that were good stay in use, and nothing else is let in meanwhile."""
    token = provider.sign("ec", "ES256")
    eventually(lambda: url_client.list(token=token).status == 200, "the key set is fetched")
    key_server.body, key_server.status = body, status
    count = key_server.count
    eventually(lambda: url_client.list(token=token).status == 200 and key_server.count > count + 1, "two more fetches")
    assert url_client.list(token=provider.sign("ed", "EdDSA")).status == 200
    forged = jwt.encode(tokens.idp_claims(), tokens.IdentityProvider().keys["ec"], "ES256", headers={"kid": "ec"})
    assert_answer(url_client.list(token=forged), INVALID_CREDENTIALS)


PROVIDERS = {
    "Entra": ("roles", {"roles": ["audit:read"]}), "Auth0": ("scope,permissions", {"scope": "openid", "permissions": ["audit:read"]}),
    "Keycloak": ("/realm_access/roles", {"realm_access": {"roles": ["offline_access", "audit:read"]}}),
    "both of the usual ones": (None, {"scope": "openid", "scp": ["audit:read"]}),
    "an empty one beside": (None, {"scope": "", "scp": "audit:read"}),
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_where_providers_put_scopes(database, start_daemon, jwks_file, provider, name):
    names, claims = PROVIDERS[name]
    options = {"idp_scope_claims": names} if names else {}
    client = start_daemon(database=database.conninfo(), jwks_file=jwks_file, **IDP_OPTIONS, **options).client
    assert client.list(token=provider.sign("ec", "ES256", **{"scope": None, **claims})).status == 200
    assert_insufficient_scope(client.list(token=provider.sign("ec", "ES256", scope="openid", other="audit:read")))
