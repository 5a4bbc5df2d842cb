# Attempts with keys and tokens of an identity provider: keys that the set's reader must survive, and forged tokens.
# Also callers who take the name of another.
import base64
import datetime
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

import tokens
from http_client import EVENTS
from support import eventually, secret

IDP = {"idp_issuer": tokens.IDP_ISSUER, "idp_audience": tokens.IDP_AUDIENCE}
KINDS = {"RSA": (lambda: rsa.generate_private_key(65537, 2048), "RS256"),
         "EC": (lambda: ec.generate_private_key(ec.SECP256R1()), "ES256"),
         "OKP": (ed25519.Ed25519PrivateKey.generate, "EdDSA")}


def certificate(key):
    """Self-signed, base64 of its DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    now = datetime.datetime.now(datetime.timezone.utc)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, digest))
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


class KeyServer:
    """Serves a JWK set that can be changed, as an identity provider does."""

    def __init__(self, keys):
        self.keys = keys
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps({"keys": server.keys}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def serve_keys():
    started = []

    def serve(keys):
        started.append(KeyServer(keys))
        return started[-1]

    yield serve
    for server in started:
        server.stop()


def sign(key, algorithm, kid="k", **claims):
    return tokens.sign(tokens.idp_claims(**{"scope": "audit:read", **claims}), key, algorithm, kid=kid)


@pytest.mark.parametrize("more", [{}, {"alg": True}, {"x5u": "http://127.0.0.1:1/"}])
@pytest.mark.parametrize("kind", KINDS)
def test_keys_that_are_only_a_certificate(trail, start_daemon, serve_keys, kind, more):
    """F1: the process survives, and such a key verifies what it has signed, and nothing else."""
    make, algorithm = KINDS[kind]
    key, other = make(), make()
    jwk = {"kty": kind, "kid": "k", "use": "sig", "x5c": [certificate(key), certificate(other)],
           **{name: algorithm if value is True else value for name, value in more.items()}}
    daemon = start_daemon(trail, jwks_url=serve_keys([jwk]).url, jwks_refresh_s=1, **IDP)
    client = daemon.client
    eventually(lambda: client.list(token=sign(key, algorithm)).status == 200, "the key is there")
    assert client.list(token=sign(other, algorithm)).status == 401
    header, payload, _ = sign(key, algorithm).split(".")
    for signature in ("AAAA", "", tokens.base64url(b"\0" * 64), tokens.base64url(b"\xff" * 256)):
        assert client.list(token=f"{header}.{payload}.{signature}").status == 401
    assert client.list(token=sign(key, algorithm)).status == 200


UNUSABLE = [{"kty": "RSA", "kid": "k", "x5c": ["MIIB"]}, {"kty": "EC", "kid": "k", "x5c": []}, {"kty": "OKP", "x5c": "text"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": "oct", "k": "c2Vj"},
            {"kty": "RSA", "n": "x" * 100_000, "e": "AQAB"}, {"kty": "\n2026-01-01 [info] forged", "kid": "a\nb"}, {}, None, 5, [], "key",
            {"kty": "EC", "kid": "a\0b"}, {"kty": "RSA", "exp": 10**30}]


def test_keys_that_cannot_be_used_do_not_spoil_others(trail, start_daemon, serve_keys):
    key = KINDS["EC"][0]()
    jwk = {"kty": "EC", "kid": "k", "x5c": [certificate(key)]}
    server = serve_keys([*UNUSABLE, jwk])
    daemon = start_daemon(trail, jwks_url=server.url, jwks_refresh_s=1, **IDP)
    eventually(lambda: daemon.client.list(token=sign(key, "ES256")).status == 200, "the good key is used")
    assert daemon.log.count("left out of") == len(UNUSABLE) and "\n2026-01-01 [info] forged" not in daemon.log
    # A rotation to nothing usable keeps the keys from before; one to another key takes the old one away.
    newer = KINDS["EC"][0]()
    server.keys = [{"kty": "EC", "kid": "k", "x5c": [certificate(newer)]}]
    eventually(lambda: daemon.client.list(token=sign(newer, "ES256")).status == 200, "the newer key is used")
    assert daemon.client.list(token=sign(key, "ES256")).status == 401


def forged(key, header, payload, signature):
    parts = [tokens.base64url(json.dumps(part).encode()) for part in (header, payload)]
    return secret(".".join((*parts, tokens.base64url(signature))))


def test_forged_tokens(trail, start_daemon, serve_keys):
    """Section 3 of the review: each is refused, and the daemon goes on."""
    keys = {kind: make() for kind, (make, _) in KINDS.items()}
    server = serve_keys([{"kty": kind, "kid": kind, "x5c": [certificate(key)]} for kind, key in keys.items()])
    daemon = start_daemon(trail, jwks_url=server.url, idp_algorithms="RS256,PS256,ES256,EdDSA", **IDP)
    client = daemon.client
    good = sign(keys["EC"], "ES256", kid="EC")
    eventually(lambda: client.list(token=good).status == 200, "the keys are there")
    payload = tokens.idp_claims(scope="audit:read")
    evil = ec.generate_private_key(ec.SECP256R1())
    public = evil.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": tokens.base64url(public.x.to_bytes(32, "big")), "y": tokens.base64url(public.y.to_bytes(32, "big"))}
    r, s = utils.decode_dss_signature(keys["EC"].sign(b"x", ec.ECDSA(hashes.SHA256())))
    attempts = [forged(None, {"alg": alg}, payload, b"") for alg in ("none", "None", "NONE", "nOnE", "", "HS256", "ES256K")]
    attempts += [tokens.sign_by_hand(payload, {"alg": "HS256", "kid": "RSA"}, material) for material in
                 (tokens.public_pem(keys["RSA"]), tokens.public_der(keys["RSA"]), certificate(keys["RSA"]).encode(), b"")]
    attempts += [tokens.sign(payload, evil, "ES256", **more) for more in
                 ({"kid": "EC"}, {"jwk": jwk}, {"jwk": jwk, "kid": "EC"}, {"jku": server.url}, {"x5u": server.url},
                  {"x5c": [certificate(evil)]}, {"kid": "../../EC"}, {"kid": "EC' OR 1=1"})]
    attempts += [forged(None, {"alg": "ES256", "kid": "EC"}, payload, signature) for signature in
                 (b"", b"\0" * 64, b"\xff" * 64, b"\0" * 32 + b"\1" * 32, utils.encode_dss_signature(r, s), b"\0" * 63, b"\0" * 65)]
    attempts += [sign(keys["RSA"], "RS384", kid="RSA"), sign(keys["RSA"], "RS256", kid="EC"), good[:-2], good + "A", good + "=",
                 good.replace(".", "..", 1), "." + good, good.split(".")[0] + "." + good.split(".")[1], good + ".x"]
    attempts += [tokens.sign(payload, keys["EC"], "ES256", kid="EC", crit=["exp"]),
                 *(sign(keys["EC"], "ES256", kid="EC", **change) for change in
                   ({"aud": "other"}, {"aud": []}, {"iss": [tokens.IDP_ISSUER]}, {"exp": 1}, {"exp": "9999999999"}, {"sub": ""},
                    {"sub": None}, {"sub": 5}, {"sub": "a\nb"}, {"sub": "x" * 4096}, {"nbf": tokens.now_s() + 3600}))]
    assert len(attempts) > 40
    for token in attempts:
        assert client.list(token=token).status == 401, token
    assert client.list(token=good).status == 200


def record(daemon, idempotency_key, event, **credential):
    """The status and the ids."""
    answer = daemon.client.request("POST", EVENTS, headers={"Idempotency-Key": idempotency_key}, json=event, **credential)
    return answer.status, answer.json().get("ids")


@pytest.mark.parametrize("subject", ["api_key:wk", "user:wk", "idp:wk", "idp:api_key:wk"])
def test_a_subject_is_not_taken_for_a_local_principal(trail, start_daemon, serve_keys, subject):
    """Finding 15: neither the answers that are kept for an Idempotency-Key, nor the names in the log."""
    trail.call("audit_grant_writer", trail.frontend)
    key = KINDS["EC"][0]()
    local = trail.create_api_key("wk", scopes=["audit:write"])
    daemon = start_daemon(trail, jwks_url=serve_keys([{"kty": "EC", "kid": "k", "x5c": [certificate(key)]}]).url, **IDP)
    token = sign(key, "ES256", sub=subject, scope="audit:write audit:read")
    eventually(lambda: daemon.client.list(token=token).status == 200, "the key is there")
    event = {"event_group": "g", "event_type": "t"}
    status, ids = record(daemon, "shared", event, key=local)
    status_of_idp, ids_of_idp = record(daemon, "shared", event, token=token)
    assert (status, status_of_idp) == (201, 201) and ids != ids_of_idp
    assert record(daemon, "poison", event, token=token)[0] == 201
    assert record(daemon, "poison", {**event, "event_type": "other"}, key=local)[0] == 201
    assert f'principal="idp:{subject}"' in daemon.log
