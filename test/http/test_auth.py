# Who gets in: API keys and the daemon's own tokens, everything that must be refused, and what a revocation does.
import datetime
import hashlib
import json

import pytest

import tokens
from contract import INVALID_CREDENTIALS, NOT_AUTHENTICATED, assert_answer, assert_insufficient_scope
from events import select_event, select_ids
from http_client import EVENTS, credentials, request_bytes
from support import eventually, secret

# A revocation must not wait for the cache (30 s): it travels by NOTIFY.
AT_ONCE_S = 3


@pytest.fixture(scope="module")
def make_token(token, own_secret):
    """An own token with some claims, header fields or the key changed."""
    epoch = tokens.jwt.decode(token, options={"verify_signature": False})["epoch"]

    def make(key=own_secret, algorithm="HS256", header=None, **changes):
        return tokens.sign(tokens.claims(**{"epoch": epoch, **changes}), key, algorithm, **(header or {}))
    return make


@pytest.fixture(scope="module")
def event_id(database):
    return select_ids(database, limit=1)[0]


PROTECTED = [EVENTS, EVENTS + "?limit=x", EVENTS + "/not-an-id", EVENTS + "/018df0c8-0000-7000-8000-000000000000"]


@pytest.mark.parametrize("target", PROTECTED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_is_revealed_without_credentials(client, target, method):
    """Authentication comes before validation: a wrong query is not looked at."""
    answer = client.send(target, method)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    if method == "GET":
        assert_answer(answer, NOT_AUTHENTICATED)


@pytest.mark.parametrize("scheme", ["Basic YWxhZGRpbjpvcGVuc2VzYW1l", "Digest username=x", "Token abc", "Bear abc",
                                    "Bearerabc", "Negotiate x", "bearer_token abc", "abc"])
def test_other_schemes_are_no_credentials(client, scheme):
    assert_answer(client.send(EVENTS, headers={"Authorization": scheme}), NOT_AUTHENTICATED)


@pytest.mark.parametrize("header", ["", " ", "Bearer", "Bearer ", "Bearer  "])
def test_empty_authorization(client, auth, header):
    """No token at all: 401 by either name, also where a good key stands beside it."""
    assert client.send(EVENTS, headers={"Authorization": header}).status == 401
    if header.strip():
        assert client.send(EVENTS, headers={"Authorization": header, **auth}).status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_scheme_is_case_insensitive(client, token, scheme):
    assert client.send(EVENTS, headers={"Authorization": f"{scheme} {token}"}).status == 200


@pytest.mark.parametrize("name", ["X-API-Key", "x-api-key", "X-API-KEY"])
def test_header_name_is_case_insensitive(client, key, name):
    assert client.send(EVENTS, headers={name: key}).status == 200


BAD_KEYS = ["x", "0" * 64, "a" * 43, "a" * 5000, "é", "' OR true --", "null", "a b", "\\x00"]


@pytest.mark.parametrize("bad", BAD_KEYS)
def test_bad_key(client, bad):
    assert_answer(client.send(EVENTS, headers={"X-API-Key": bad}), INVALID_CREDENTIALS)


def test_key_that_is_nearly_right(client, key):
    last = "A" if key[-1] != "A" else "B"
    for near in (key[:-1] + last, key[:-1], key + "A", key.swapcase(), key[1:]):
        assert_answer(client.list(secret(near)), INVALID_CREDENTIALS)


def test_hash_of_a_key_is_no_key(client, key):
    assert_answer(client.list(hashlib.sha256(key.encode()).hexdigest()), INVALID_CREDENTIALS)


def test_key_is_no_bearer_token_and_token_no_key(client, key, token):
    assert_answer(client.list(token=key), INVALID_CREDENTIALS)
    assert_answer(client.list(key=token), INVALID_CREDENTIALS)


def test_own_token_as_specified_is_taken(client, make_token):
    """Shows that what the tests below refuse is refused for what they change."""
    assert client.list(token=make_token()).status == 200


HOUR_S = 3600
REFUSED_CLAIMS = {
    "expired": {"exp": tokens.now_s() - HOUR_S},
    "expired long ago": {"exp": 0},
    "never expires": {"exp": None},
    "expiry is text": {"exp": "tomorrow"},
    "expiry is a numeral as text": {"exp": str(tokens.now_s() + HOUR_S)},
    "expiry is negative": {"exp": -1},
    "expiry is true": {"exp": True},
    "expiry is a list": {"exp": [tokens.now_s() + HOUR_S]},
    "not yet valid": {"nbf": tokens.now_s() + HOUR_S},
    "not before is text": {"nbf": "yesterday"},
    "wrong audience": {"aud": "another_service"},
    "wrong audiences": {"aud": ["another_service", "a_third"]},
    "no audience": {"aud": None},
    "audience of another case": {"aud": tokens.AUDIENCE.upper()},
    "audience is a prefix": {"aud": tokens.AUDIENCE[:-1]},
    "audience is an object": {"aud": {"audit_ext": True}},
    "wrong issuer": {"iss": "another_issuer"},
    "no issuer": {"iss": None},
    "issuer is a list": {"iss": [tokens.ISSUER]},
    "no subject": {"sub": None},
    "unknown subject": {"sub": "nobody"},
    "subject is empty": {"sub": ""},
    "subject is a number": {"sub": 5},
    "subject has a NUL": {"sub": "reader\0"},
    "subject is not UTF-16": {"sub": "\ud800"},
    "subject is SQL": {"sub": "' OR true --"},
    "no epoch": {"epoch": None},
    "earlier epoch": {"epoch": -1},
    "later epoch": {"epoch": 1000},
    "epoch is text": {"epoch": "1"},
    "epoch is huge": {"epoch": 2**70},
}


@pytest.mark.parametrize("change", REFUSED_CLAIMS.values(), ids=REFUSED_CLAIMS)
def test_own_token_with_wrong_claims(client, make_token, change):
    assert_answer(client.list(token=make_token(**change)), INVALID_CREDENTIALS)


def test_audience_may_be_one_of_several(client, make_token):
    assert client.list(token=make_token(aud=["another_service", tokens.AUDIENCE])).status == 200


def unsigned(make, **header):
    payload = tokens.jwt.decode(make(), options={"verify_signature": False})
    return tokens.sign_by_hand(payload, {"typ": "JWT", **header}, None)


REFUSED_SIGNATURES = {
    "alg none": lambda make: unsigned(make, alg="none"),
    "alg None": lambda make: unsigned(make, alg="None"),
    "alg NONE": lambda make: unsigned(make, alg="NONE"),
    "no alg": unsigned,
    "alg empty": lambda make: unsigned(make, alg=""),
    "alg is null": lambda make: unsigned(make, alg=None),
    "no signature": lambda make: unsigned(make, alg="HS256"),
    "alg none without a last dot": lambda make: unsigned(make, alg="none").rstrip("."),
    "another secret": lambda make: make(key="another secret that is long enough"),
    "empty secret": lambda make: make(key=""),
    "HS384 with the right secret": lambda make: make(algorithm="HS384"),
    "HS512 with the right secret": lambda make: make(algorithm="HS512"),
    "unknown critical extension": lambda make: make(header={"crit": ["b64"], "b64": False}),
    "key in the header": lambda make: make(key="attacker's own key, long enough for this", header={
        "jwk": {"kty": "oct", "k": tokens.base64url(b"attacker's own key, long enough for this")}}),
    "key by URL": lambda make: make(key="attacker's own key, long enough for this",
                                    header={"jku": "http://127.0.0.1:1/keys"}),
    "kid is SQL": lambda make: make(key="attacker's own key, long enough for this", header={"kid": "' UNION SELECT 1"}),
    "kid is a path": lambda make: make(key="", header={"kid": "/dev/null"}),
}


@pytest.mark.parametrize("forge", REFUSED_SIGNATURES.values(), ids=REFUSED_SIGNATURES)
def test_own_token_with_wrong_signature(client, make_token, forge):
    assert_answer(client.list(token=forge(make_token)), INVALID_CREDENTIALS)


def test_own_token_that_was_altered(client, token):
    header, payload, signature = token.split(".")
    claims = tokens.jwt.decode(token, options={"verify_signature": False})
    more = tokens.base64url(json.dumps({**claims, "exp": claims["exp"] + 1}).encode())
    altered = [f"{header}.{more}.{signature}", f"{header}.{payload}.{signature[:-4]}", f"{header}.{payload}.",
               f"{header}.{payload}", f"{header}..{signature}", f".{payload}.{signature}", f"{token}.", f".{token}",
               f"{token}.{signature}", f"{payload}.{header}.{signature}", token + "=", token.replace(".", ","),
               token + " " + token, "..", ".", "a.b.c", "e30.e30.e30", "%" + token]
    for text in altered:
        assert client.list(token=text).status == 401, text
        assert_answer(client.list(token=text), INVALID_CREDENTIALS)


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "X-API-Key", "key", "Authorization"])
def test_nothing_is_taken_from_the_query_string(client, key, token, name):
    for value in (key, token, "Bearer " + token):
        assert_answer(client.get(EVENTS, params={name: value}), NOT_AUTHENTICATED)


def test_nothing_is_taken_from_a_cookie_or_body(client, key, token):
    headers = {"Cookie": f"access_token={token}; X-API-Key={key}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = client.send(EVENTS, headers=headers, body=f"access_token={token}".encode())
    assert answer.status == 401


def test_authorization_decides_where_both_come(client, key, token):
    assert client.list(key=key, token=token).status == 200
    assert client.list(key="bad", token=token).status == 200
    assert_answer(client.list(key=key, token="bad"), INVALID_CREDENTIALS)
    assert_answer(client.list(key, headers={"Authorization": "Basic YTpi"}), NOT_AUTHENTICATED)


def test_repeated_credentials_do_not_add_up(client, key, token):
    """Which of two counts is open, but no error may be a 500, and a bad one alone never gets in."""
    for name, good in (("X-API-Key", key), ("Authorization", "Bearer " + token)):
        bad = "Bearer bad" if name == "Authorization" else "bad"
        for pair in ((good, bad), (bad, good), (bad, bad)):
            answer = client.send(EVENTS, headers=[(name, value) for value in pair])
            assert answer.status in ((401, 400) if good not in pair else (200, 400, 401))


# Scopes

@pytest.fixture(scope="module")
def keys_by_scope(database):
    scopes = {"self": ["audit:read:self"], "all": ["audit:read"], "both": ["audit:read:self", "audit:read"]}
    return {name: database.create_api_key(f"scope {name}", scopes=list_, user_id=5) for name, list_ in scopes.items()}


@pytest.mark.parametrize("scope", ["", "audit:write", "audit:readonly", "audit", "AUDIT:READ",
                                   "audit:read,audit:read:self"])
@pytest.mark.parametrize("target", ["", "?limit=0", "/not-an-id", "/018df0c8-0000-7000-8000-000000000000"])
def test_missing_scope(client, make_token, scope, target):
    """As with 401, the query is not looked at before."""
    assert_insufficient_scope(client.get(EVENTS + target, token=make_token(scope=scope)))


@pytest.mark.parametrize("name", ["all", "both"])
def test_read_scope_sees_everything(client, database, keys_by_scope, name):
    assert client.list(keys_by_scope[name]).ids == select_ids(database, limit=50)
    assert client.list(keys_by_scope[name], user_id=1).ids == select_ids(database, limit=50, user_id=1)


def test_self_scope_sees_its_own_events_only(client, database, keys_by_scope):
    own = select_ids(database, user_id=5)
    assert 10 < len(own) < len(select_ids(database))
    for parameters in ({}, {"user_id": 5}, {"user_id": "+5.0"}):
        assert client.list(keys_by_scope["self"], limit=200, **parameters).ids == own[:200]
    assert client.list(keys_by_scope["self"], status="failure").ids == select_ids(database, user_id=5, status="failure")


def test_self_scope_walks_its_own_events(client, database, keys_by_scope):
    seen = []
    cursor = {}
    while True:
        answer = client.list(keys_by_scope["self"], limit=7, **cursor)
        seen += answer.ids
        if answer.json()["next_cursor"] is None:
            break
        cursor = {"cursor": answer.json()["next_cursor"]}
    assert seen == select_ids(database, user_id=5)


@pytest.mark.parametrize("other", ["1", "6", "-5", "0", "9223372036854775807"])
def test_self_scope_asking_for_another(client, keys_by_scope, other):
    answer = client.list(keys_by_scope["self"], user_id=other)
    assert answer.status == 403
    assert "items" not in answer.json() and answer.json()["detail"]


def test_self_scope_with_a_cursor_of_everything(client, key, keys_by_scope, database):
    """A cursor of an unfiltered list must not carry the caller past their own events."""
    cursor = client.list(key, limit=5).json()["next_cursor"]
    answer = client.list(keys_by_scope["self"], cursor=cursor)
    if answer.status == 200:
        assert set(answer.ids) <= set(select_ids(database, user_id=5))
    else:
        assert answer.status == 422


def test_self_scope_and_single_events(client, database, keys_by_scope):
    own = select_ids(database, user_id=5)[0]
    anothers = select_ids(database, user_id=1)[0]
    nobodys = select_ids(database, extra="AND user_id IS NULL")[0]
    answer = client.get(f"{EVENTS}/{own}", keys_by_scope["self"])
    assert (answer.status, answer.json()["id"]) == (200, own)
    for event_id in (anothers, nobodys, "018df0c8-0000-7000-8000-000000000000"):
        answer = client.get(f"{EVENTS}/{event_id}", keys_by_scope["self"])
        assert (answer.status, answer.json()) == (404, {"detail": "Not Found"}), "tells that the event exists"


def test_token_may_have_fewer_scopes_than_its_user(client, user):
    narrow = client.token(*user, scope="audit:read:self")
    assert client.list(token=narrow, user_id=5).status == 200
    assert client.list(token=narrow, user_id=1).status == 403


def test_scope_of_the_token_counts(client, database, make_token):
    narrow = make_token(scope="audit:read:self")
    assert client.list(token=narrow).ids == select_ids(database, user_id=5, limit=50)
    assert client.list(token=narrow, user_id=1).status == 403


def test_token_never_has_more_scopes_than_its_user(client, database, make_token):
    database.create_user("selfish", "only my own events", scopes=["audit:read:self"], user_id=6)
    issued = client.token("selfish", "only my own events")
    epoch = tokens.jwt.decode(issued, options={"verify_signature": False})["epoch"]
    raised = make_token(sub="selfish", epoch=epoch, scope="audit:read audit:read:self")
    assert client.list(token=raised, user_id=1).status == 403
    assert client.list(token=raised).ids == select_ids(database, user_id=6, limit=50)


# Expiry and revocation; each is first used, so that it is in the daemon's cache

def refused(client, **credential):
    return lambda: client.list(**credential).status == 401


def test_revoked_key(client, database):
    key = database.create_api_key("revoked soon")
    assert client.list(key).status == 200
    database.call("audit_revoke_api_key", "revoked soon")
    eventually(refused(client, key=key), "revocation of the key", AT_ONCE_S)
    assert_answer(client.list(key), INVALID_CREDENTIALS)


def test_refusal_is_not_remembered(client, database):
    """A revocation that was taken back counts at once too."""
    key = database.create_api_key("revoked for a while")
    database.call("audit_revoke_api_key", "revoked for a while")
    eventually(refused(client, key=key), "revocation of the key", AT_ONCE_S)
    database.execute("UPDATE audit_api_keys SET revoked_at = NULL WHERE name = 'revoked for a while'")
    eventually(lambda: client.list(key).status == 200, "the key is good again", AT_ONCE_S)


def test_expired_key(client, database):
    in_a_second = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1.2)
    key = database.create_api_key("short-lived", expires_at=in_a_second)
    assert client.list(key).status == 200
    eventually(refused(client, key=key), "expiry of the key although it is cached", 5)
    assert datetime.datetime.now(datetime.timezone.utc) >= in_a_second
    assert_answer(client.list(key), INVALID_CREDENTIALS)


def test_expired_token(client, make_token):
    """Used first, so that it is in the cache; the daemon allows for clocks that differ by 10 s, no more."""
    token = make_token(exp=tokens.now_s() - 8)
    assert client.list(token=token).status == 200
    eventually(refused(client, token=token), "expiry of the token although it is cached", 5)
    assert_answer(client.list(token=token), INVALID_CREDENTIALS)


REVOCATIONS = {
    "audit_revoke_tokens": lambda database, name: database.call("audit_revoke_tokens", name),
    "audit_set_password": lambda database, name: database.call("audit_set_password", name, secret("a new password")),
    "audit_drop_user": lambda database, name: database.call("audit_drop_user", name),
}


@pytest.mark.parametrize("function", REVOCATIONS)
def test_revoked_token(client, database, function):
    name = f"revoked by {function}"
    database.create_user(name, "the old password")
    token = client.token(name, "the old password")
    assert client.list(token=token).status == 200
    REVOCATIONS[function](database, name)
    eventually(refused(client, token=token), function, AT_ONCE_S)
    assert_answer(client.list(token=token), INVALID_CREDENTIALS)
    old = client.login(name, "the old password")
    assert old.status == (200 if function == "audit_revoke_tokens" else 400), "the old password"
    if function == "audit_set_password":
        assert client.list(token=client.token(name, "a new password")).status == 200


def test_token_issued_after_a_revocation_works(client, database):
    database.create_user("comes back", "the password stays")
    first = client.token("comes back", "the password stays")
    database.call("audit_revoke_tokens", "comes back")
    second = client.token("comes back", "the password stays")
    eventually(refused(client, token=first), "revocation of the first token", AT_ONCE_S)
    assert client.list(token=second).status == 200


def test_token_of_a_dropped_user_is_no_token_of_the_next_by_that_name(client, database):
    database.create_user("namesake", "first by that name")
    token = client.token("namesake", "first by that name")
    assert client.list(token=token).status == 200
    database.call("audit_drop_user", "namesake")
    database.create_user("namesake", "second by that name")
    eventually(refused(client, token=token), "the first user's token", AT_ONCE_S)


def test_revocation_elsewhere_leaves_others_alone(client, database, key, token):
    database.create_api_key("bystander")
    database.call("audit_revoke_api_key", "bystander")
    assert client.list(key).status == client.list(token=token).status == 200


def test_without_a_token_secret_own_tokens_are_refused(database, start_daemon, token, key):
    client = start_daemon(database=database.conninfo()).client
    assert client.list(key).status == 200
    assert_answer(client.list(token=token), INVALID_CREDENTIALS)
    answer = client.login("reader", "whatever it is")
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})


def test_another_issuer_and_audience(database, start_daemon, secret_file, make_token, user, token):
    client = start_daemon(database=database.conninfo(), token_secret_file=secret_file, token_issuer="us",
                          token_audience="them").client
    assert_answer(client.list(token=token), INVALID_CREDENTIALS)
    issued = tokens.jwt.decode(client.token(*user), options={"verify_signature": False})
    assert (issued["iss"], issued["aud"]) == ("us", "them")
    assert client.list(token=make_token(iss="us", aud="them")).status == 200


def test_credentials_of_one_request_do_not_leak_into_the_next(client, auth):
    """Both over one connection."""
    with client.connect() as connection:
        for headers, status in ((auth, 200), ({}, 401), (auth, 200), ({"X-API-Key": "bad"}, 401), ({}, 401)):
            connection.send(request_bytes(EVENTS, headers=headers))
            assert connection.receive().status == status


def test_event_by_id_with_each_credential(client, database, event_id, key, token):
    for answer in (client.get(f"{EVENTS}/{event_id}", key), client.get(f"{EVENTS}/{event_id}", token=token)):
        assert answer.status == 200
        assert answer.json()["id"] == dict(select_event(database, event_id))["id"]
    assert credentials(key) == {"X-API-Key": key}
