# POST /v1/auth/token: the OAuth2 password grant (RFC 6749, 4.3), by standard client libraries and by hand.
import re
import threading
from urllib.parse import urlencode

import pytest
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import InvalidGrantError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session as OauthlibSession

import tokens
from events import select_ids
from http_client import EVENTS, TOKEN, Client, request_bytes
from support import eventually, secret

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def over_plain_http(monkeypatch):
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("NO_PROXY", "*")


AUTHLIB_METHODS = [("none", None), ("client_secret_basic", "a client's secret"),
                   ("client_secret_post", "a client's secret")]


@pytest.mark.parametrize("method, client_secret", AUTHLIB_METHODS)
def test_authlib(client, database, user, method, client_secret):
    """Clients identify themselves in one of three ways; there is nothing to identify for here, so all are taken."""
    with AuthlibSession("any-client", client_secret, token_endpoint_auth_method=method, scope="audit:read") as session:
        token = session.fetch_token(client.url + TOKEN, username=user[0], password=user[1])
        secret(token["access_token"])
        assert token["token_type"].lower() == "bearer" and token["expires_at"] > tokens.now_s()
        response = session.get(client.url + EVENTS, params={"limit": 5})
        assert response.status_code == 200
        assert [event["id"] for event in response.json()["items"]] == select_ids(database, limit=5)


def test_authlib_understands_the_error(client, user):
    with AuthlibSession("any-client", None, token_endpoint_auth_method="none") as session:
        with pytest.raises(AuthlibBaseError) as caught:
            session.fetch_token(client.url + TOKEN, username=user[0], password=secret("not the password"))
        assert caught.value.error == "invalid_grant"


@pytest.mark.parametrize("scope", [None, ["audit:read"]])
def test_requests_oauthlib(client, database, user, scope):
    with OauthlibSession(client=LegacyApplicationClient("any-client", scope=scope)) as session:
        token = session.fetch_token(client.url + TOKEN, username=user[0], password=user[1])
        secret(token["access_token"])
        assert session.get(client.url + EVENTS, params={"limit": 5}).json()["items"][0]["id"] == \
            select_ids(database, limit=1)[0]


def test_requests_oauthlib_understands_the_error(client, user):
    with OauthlibSession(client=LegacyApplicationClient(client_id="any-client")) as session:
        with pytest.raises(InvalidGrantError):
            session.fetch_token(client.url + TOKEN, username=user[0], password=secret("not the password"))


def test_answer(client, user):
    answer = client.login(*user)
    assert answer.status == 200
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 3600 and isinstance(body["expires_in"], int)
    assert sorted(body["scope"].split()) == ["audit:read", "audit:read:self"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


def test_claims_of_the_token(client, user, own_secret):
    token = client.token(*user)
    claims = tokens.jwt.decode(token, own_secret, algorithms=["HS256"], audience=tokens.AUDIENCE, issuer=tokens.ISSUER)
    assert set(claims) == {"iss", "aud", "sub", "iat", "nbf", "exp", "scope", "epoch", "jti"}
    assert claims["sub"] == user[0]
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - tokens.now_s()) <= 5
    other = tokens.jwt.decode(client.token(*user), options={"verify_signature": False})
    assert other["jti"] != claims["jti"]


def test_lifetime_is_configurable(database, start_daemon, secret_file, user):
    client = start_daemon(database=database.conninfo(), token_secret_file=secret_file, token_lifetime_s=77).client
    assert client.login(*user).json()["expires_in"] == 77


@pytest.mark.parametrize("scope, granted", [("audit:read", {"audit:read"}), ("audit:read:self", {"audit:read:self"}),
                                            ("audit:read:self audit:read", {"audit:read", "audit:read:self"}),
                                            ("audit:read audit:read", {"audit:read"}),
                                            ("", {"audit:read", "audit:read:self"})])
def test_scope_that_was_asked_for(client, user, scope, granted):
    assert set(client.login(*user, scope=scope).json()["scope"].split()) == granted


def test_grant_type_may_be_absent(client, user):
    answer = client.request("POST", TOKEN, data={"username": user[0], "password": secret(user[1])})
    assert answer.status == 200
    secret(answer.json()["access_token"])


ODD_CREDENTIALS = [("ünïcødé 🙂", "pässwörd ☃ 漢字"), ("a+b&c=d%", "p+a s&s=w%41;ord"), ("x" * 60, "y" * 72),
                   (" blanks ", "  blanks count  "), ("quote'\"", "'; DROP TABLE audit_events; --")]


@pytest.mark.parametrize("username, password", ODD_CREDENTIALS)
def test_odd_names_and_passwords(client, database, username, password):
    database.create_user(username, password)
    assert client.login(username, password).status == 200
    for other in (password.strip() + "x", password.upper() + "1", password[:-1]):
        assert client.login(username, secret(other)).status == 400


@pytest.mark.parametrize("password", ["x" * 72, "é" * 36])
def test_the_longest_password_is_compared_whole(client, database, password):
    """bcrypt reads 72 bytes only: what follows must not be ignored."""
    name = f"longest {password[:1]}"
    database.create_user(name, password)
    assert client.login(name, password).status == 200
    for other in (password + "x", password * 2, password[:-1], password[:-1] + "y"):
        assert client.login(name, secret(other)).status == 400


def oauth_error(answer, error, status=400):
    assert answer.status == status, (answer.status, answer.text)
    body = answer.json()
    assert body["error"] == error, body
    assert "access_token" not in body
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", body.get("error_description", "x")), "RFC 6749, 5.2"
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "application/json"
    return body


WRONG = [("reader", "wrong password"), ("reader", "correct horse battery stapl"),
         ("reader", "Correct horse battery staple"),
         ("Reader", "correct horse battery staple"), ("reader ", "correct horse battery staple"),
         ("nobody", "correct horse battery staple"), ("' OR true --", "x"), ("a" * 2000, "b" * 2000)]


@pytest.mark.parametrize("username, password", WRONG)
def test_wrong_credentials(client, user, username, password):
    oauth_error(client.login(username, secret(password)), "invalid_grant")


def test_an_unknown_user_looks_like_a_wrong_password(client, user):
    unknown, wrong = (client.login(name, "not the password") for name in ("nobody", user[0]))
    assert (unknown.status, unknown.body) == (wrong.status, wrong.body)
    assert sorted(unknown.headers.keys()) == sorted(wrong.headers.keys())


def test_api_key_is_no_password(client, key):
    oauth_error(client.login("reads everything", key), "invalid_grant")


MALFORMED = {
    "no body": (FORM, b""),
    "no password": (FORM, b"grant_type=password&username=reader"),
    "no username": (FORM, b"grant_type=password&password=wrong-password"),
    "empty username": (FORM, b"grant_type=password&username=&password=wrong-password"),
    "empty password": (FORM, b"grant_type=password&username=reader&password="),
    "username twice": (FORM, b"username=reader&username=other&password=wrong-password"),
    "password twice": (FORM, b"username=reader&password=wrong-password&password=wrong-passwort"),
    "grant_type twice": (FORM, b"grant_type=password&grant_type=password&username=reader&password=wrong-password"),
    "JSON": ("application/json", b'{"username": "reader", "password": "wrong-password"}'),
    "JSON called a form": (FORM, b'{"username": "reader", "password": "wrong-password"}'),
    "multipart": ("multipart/form-data; boundary=x",
                  b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nreader\r\n--x--\r\n'),
    "no content type": (None, b"username=reader&password=wrong-password"),
    "binary": (FORM, bytes(range(256))),
    "NUL in the username": (FORM, b"username=rea%00der&password=wrong-password"),
    "NUL in the password": (FORM, b"username=reader&password=wrong%00password"),
    "username is no UTF-8": (FORM, b"username=%ff%fe&password=wrong-password"),
    "password is no UTF-8": (FORM, b"username=reader&password=%ff%fe"),
}


@pytest.mark.parametrize("content_type, body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_request(client, content_type, body):
    headers = {"Content-Type": content_type} if content_type else {}
    if not body:
        headers["Content-Length"] = "0"
    oauth_error(client.send(TOKEN, "POST", headers, body), "invalid_request")


def test_content_type_may_have_parameters(client, user):
    body = urlencode({"username": user[0], "password": user[1]}).encode()
    for content_type in (FORM + "; charset=utf-8", FORM.upper(), FORM + ";charset=UTF-8"):
        answer = client.send(TOKEN, "POST", {"Content-Type": content_type}, body)
        assert answer.status == 200, content_type
        secret(answer.json()["access_token"])


def test_credentials_in_the_query_string_are_not_taken(client, user):
    """URLs end in logs (RFC 6749, 4.3.2: the parameters are in the body)."""
    query = urlencode({"grant_type": "password", "username": user[0], "password": user[1]})
    oauth_error(client.send(f"{TOKEN}?{query}", "POST", {"Content-Type": FORM, "Content-Length": "0"}),
                "invalid_request")


def test_body_of_a_megabyte(client):
    body = b"username=reader&password=" + b"x" * 1_000_000
    with client.connect() as connection:
        connection.send(request_bytes(TOKEN, "POST", {"Content-Type": FORM}, body))
        answer = connection.receive()
    if answer is not None:  # it may have closed before it was sent everything
        assert answer.status in (400, 413)
    assert client.get("/healthz").status == 200


def test_chunked_body(client, user):
    form = urlencode({"username": user[0], "password": user[1]}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (form[:7], form[7:8], form[8:])) + b"0\r\n\r\n"
    with client.connect() as connection:
        connection.send(b"POST " + TOKEN.encode() + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                        b"Content-Type: " + FORM.encode() + b"\r\n\r\n" + chunks)
        answer = connection.receive()
    assert answer.status == 200
    secret(answer.json()["access_token"])


@pytest.mark.parametrize("grant_type", ["client_credentials", "authorization_code", "refresh_token", "Password",
                                        "password ",
                                        "urn:ietf:params:oauth:grant-type:jwt-bearer"])
def test_other_grant_types(client, user, grant_type):
    oauth_error(client.login(*user, grant_type=grant_type), "unsupported_grant_type")


@pytest.mark.parametrize("scope", ["audit:write", "audit:read audit:delete", "openid", "AUDIT:READ",
                                   "audit:read,audit:read:self",
                                   "é", "a\"b", "audit:read\taudit:read:self"])
def test_scope_that_cannot_be_granted(client, user, scope):
    oauth_error(client.login(*user, scope=scope), "invalid_scope")


def test_scope_the_user_does_not_have(client, database):
    database.create_user("only own", "may see own events", scopes=["audit:read:self"], user_id=1)
    oauth_error(client.login("only own", "may see own events", scope="audit:read"), "invalid_scope")


def test_scopes_of_a_user_are_not_shown_without_the_password(client, database):
    database.create_user("only own too", "may see own events", scopes=["audit:read:self"], user_id=1)
    oauth_error(client.login("only own too", "not the password", scope="audit:read"), "invalid_grant")


# Too many failures

@pytest.fixture
def limited(scratch, start_daemon, secret_file):
    """Starts a daemon that allows three failures."""
    def start(window_s):
        return start_daemon(database=scratch.conninfo(), token_secret_file=secret_file, login_attempts=3,
                            login_window_s=window_s).client
    return start


@pytest.fixture(scope="module")
def limited_user(scratch):
    return scratch.create_user("limited", "the right password")


def assert_too_many(answer, window_s):
    assert answer.status == 429, (answer.status, answer.text)
    assert 1 <= int(answer.headers["Retry-After"]) <= window_s
    assert answer.json().get("error") or answer.json().get("detail")
    assert "access_token" not in answer.json()


def test_too_many_failures_by_name(limited, limited_user):
    client = limited(60)
    assert [client.login("limited", f"wrong password {i}").status for i in range(3)] == [400] * 3
    assert_too_many(client.login("limited", "wrong password 4"), 60)
    assert_too_many(client.login(*limited_user), 60)


def test_too_many_failures_by_address(limited, limited_user):
    client = limited(60)
    statuses = [client.login(f"somebody {i}", f"wrong password {i}").status for i in range(12)]
    assert statuses[0] == 400 and statuses[-1] == 429
    assert statuses == sorted(statuses)


def test_successes_do_not_count_as_failures(limited, limited_user):
    client = limited(60)
    assert [client.login(*limited_user).status for _ in range(8)] == [200] * 8


def test_failures_are_forgotten_after_the_window(limited, limited_user):
    client = limited(4)
    for number in range(3):
        assert client.login("limited", f"wrong password {number}").status == 400
    answer = client.login(*limited_user)
    assert_too_many(answer, 4)
    eventually(lambda: client.login(*limited_user).status == 200, "the window is over", 12)


def test_who_has_a_token_or_key_is_not_held_up(limited, scratch, limited_user):
    client = limited(60)
    token = client.token(*limited_user)
    key = scratch.create_api_key("not held up")
    for number in range(5):
        client.login("limited", f"wrong password {number}")
    assert client.list(token=token).status == client.list(key).status == 200


def test_guessing_in_parallel_is_counted(limited, limited_user):
    """Passwords are checked in the database, in parallel: guesses under way count too."""
    client = limited(60)
    statuses = []

    def guess(number):
        own = Client(client.address)
        statuses.append(own.login("limited", f"wrong password {number}").status)
        own.close()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {400, 429}
    assert statuses.count(400) <= 3, "more guesses than allowed reached the password check"
