# JSON Web Tokens as the daemon itself, an identity provider or an attacker would make them.
import base64
import hmac
import json
import time
import uuid

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from support import secret

ISSUER = "audit_httpd"
AUDIENCE = "audit_ext"
IDP_ISSUER = "https://idp.example.com/realms/test"
IDP_AUDIENCE = "audit-api"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def now_s():
    return int(time.time())


def claims(**changes):
    """Claims of the daemon's own tokens; a change to None leaves that claim out."""
    defaults = {"iss": ISSUER, "aud": AUDIENCE, "sub": "reader", "iat": now_s(), "nbf": now_s(),
                "exp": now_s() + 600, "scope": "audit:read", "jti": str(uuid.uuid4())}
    return {name: value for name, value in {**defaults, **changes}.items() if value is not None}


def idp_claims(**changes):
    """Claims as an identity provider's; a change to None leaves that claim out."""
    return claims(**{"iss": IDP_ISSUER, "aud": IDP_AUDIENCE, "sub": "alice@example.com", **changes})


def sign(payload, key, algorithm, **header):
    if algorithm.startswith("HS"):
        key_bytes = key if isinstance(key, bytes) else key.encode()
        return sign_by_hand(payload, {"alg": algorithm, "typ": "JWT", **header}, key_bytes)
    # Not by jwt.encode(), whose later versions refuse odd claims.
    return secret(jwt.api_jws.encode(json.dumps(payload).encode(), key, algorithm=algorithm, headers=header))


def sign_by_hand(payload, header, key):
    """HMAC with any bytes as the key (PyJWT refuses empty and public ones); no signature at all for key None."""
    parts = [base64url(json.dumps(part).encode()) for part in (header, payload)]
    signed = ".".join(parts)
    signature = b"" if key is None else hmac.new(key, signed.encode(), f"sha{header['alg'][2:]}").digest()
    return secret(f"{signed}.{base64url(signature)}")


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def public_der(key):
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


class IdentityProvider:
    """Four signing keys of different kinds, and the JWK set that publishes them."""

    def __init__(self):
        self.keys = {
            "rsa-any": rsa.generate_private_key(65537, 2048),
            "rsa-pinned": rsa.generate_private_key(65537, 2048),
            "ec": ec.generate_private_key(ec.SECP256R1()),
            "ed": ed25519.Ed25519PrivateKey.generate(),
            "encryption": rsa.generate_private_key(65537, 2048),
        }
        self.symmetric = b"0123456789abcdef0123456789abcdef"

    def sign(self, kid, algorithm, header=None, **changes):
        return sign(idp_claims(**changes), self.keys[kid], algorithm, **{"kid": kid, **(header or {})})

    def jwk(self, kid):
        key = self.keys[kid].public_key()
        if isinstance(key, rsa.RSAPublicKey):
            return {"kid": kid, **json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key))}
        if isinstance(key, ec.EllipticCurvePublicKey):
            numbers = key.public_numbers()
            return {"kid": kid, "kty": "EC", "crv": "P-256", "x": base64url(numbers.x.to_bytes(32, "big")),
                    "y": base64url(numbers.y.to_bytes(32, "big"))}
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kid": kid, "kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}

    def jwk_set(self):
        uses = {"rsa-pinned": {"use": "sig", "alg": "RS256"}, "encryption": {"use": "enc", "alg": "RSA-OAEP"}}
        keys = []
        for kid in self.keys:
            jwk = self.jwk(kid)
            jwk.pop("key_ops", None)
            keys.append({**jwk, **uses.get(kid, {"use": "sig"})})
        # A symmetric key has no place in a published set, but providers have been seen to do it.
        keys.append({"kty": "oct", "kid": "symmetric", "alg": "HS256", "k": base64url(self.symmetric)})
        return {"keys": keys}
