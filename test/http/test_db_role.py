# A principal with a database role: row-level security decides what it sees, whatever else the connection served.
import json
import random
import threading

import pytest
from psycopg2 import sql

import tokens
from contract import walk
from daemon import Daemon
from http_client import EVENTS, Client

TENANTS = ("north", "south")


@pytest.fixture(scope="module")
def tenants(scratch):
    """Per tenant a role with a policy and a key; `None` is the daemon's own role, which sees all tenants."""
    scratch.insert({"event_group": tenant, "event_type": "e%d" % (number % 3), "status": "success",
                    "user_id": number % 5}
                   for number in range(120) for tenant in TENANTS)
    scratch.execute("ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY")
    scratch.execute(sql.SQL("CREATE POLICY everything ON audit_events FOR SELECT TO {} USING (event_group <> 'audit')").format(
        sql.Identifier(scratch.frontend)))
    keys = {None: scratch.create_api_key("everything")}
    for tenant in TENANTS:
        role = scratch.create_role(tenant)
        scratch.call("audit_grant_reader", role)
        scratch.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(scratch.frontend)))
        scratch.execute(sql.SQL("CREATE POLICY {} ON audit_events FOR SELECT TO {} USING (event_group = {})").format(
            sql.Identifier(tenant), sql.Identifier(role), sql.Literal(tenant)))
        keys[tenant] = scratch.create_api_key(tenant, db_role=role)
        scratch.create_user(tenant, f"{tenant} has a password", db_role=role)
    return keys


@pytest.fixture(scope="module")
def client(scratch, tenants, secret_file):
    """All requests share one connection to the database."""
    daemon = Daemon(database=scratch.conninfo(), pool_size=1, token_secret_file=secret_file)
    yield daemon.client
    daemon.stop()


def groups(answer):
    assert answer.status == 200, (answer.status, answer.text)
    return {event["event_group"] for event in answer.json()["items"]}


@pytest.mark.parametrize("tenant", TENANTS)
def test_tenant_sees_its_own_events_only(client, tenants, tenant):
    ids = [event_id for page in walk(client, tenants[tenant], limit=50) for event_id in page]
    assert len(ids) == len(set(ids)) == 120
    assert groups(client.list(tenants[tenant], limit=200)) == {tenant}
    assert groups(client.list(tenants[None], limit=200)) == set(TENANTS)


@pytest.mark.parametrize("tenant, other", [TENANTS, TENANTS[::-1]])
def test_no_filter_leads_to_another_tenants_events(client, tenants, tenant, other):
    assert client.list(tenants[tenant], event_group=other).json() == {"items": [], "next_cursor": None}
    assert groups(client.list(tenants[tenant], event_type="e1", limit=200)) == {tenant}
    cursor = client.list(tenants[other], limit=5).json()["next_cursor"]
    assert groups(client.list(tenants[tenant], cursor=cursor, limit=200)) <= {tenant}


@pytest.mark.parametrize("tenant, other", [TENANTS, TENANTS[::-1]])
def test_single_events_of_another_tenant(client, tenants, tenant, other):
    event_id = client.list(tenants[other], limit=1).ids[0]
    assert client.get(f"{EVENTS}/{event_id}", tenants[other]).json()["event_group"] == other
    answer = client.get(f"{EVENTS}/{event_id}", tenants[tenant])
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("tenant", TENANTS)
def test_tokens_carry_the_role_of_their_user(client, tenant):
    token = client.token(tenant, f"{tenant} has a password")
    assert groups(client.list(token=token, limit=200)) == {tenant}


def test_interleaved_requests_over_one_connection(client, tenants):
    """Concurrent callers, errors among their requests: the role of one request is never that of the next."""
    wrong = []

    def call(seed):
        own = Client(client.address)
        random_ = random.Random(seed)
        for _ in range(60):
            tenant = random_.choice((None, *TENANTS))
            expected = set(TENANTS) if tenant is None else {tenant}
            kind = random_.randrange(4)
            if kind == 0 and tenant is not None:
                own.list(tenants[tenant], cursor="x", status="y")
            elif kind == 1:
                own.get(f"{EVENTS}/018df0c8-0000-7000-8000-000000000000", tenants[tenant])
            answer = own.list(tenants[tenant], limit=random_.choice((50, 100)))
            if answer.status != 200 or groups(answer) != expected:
                wrong.append((tenant, answer.status, answer.text[:200]))
        own.close()

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]


def test_cursor_mismatch_in_a_role_leaves_the_connection_in_order(client, tenants):
    """An error raised by the database in the middle of the pipeline, after the role was set."""
    cursor = client.list(tenants["north"], limit=1).json()["next_cursor"]
    for _ in range(5):
        assert client.list(tenants["north"], cursor=cursor, status="other").status == 422
        assert groups(client.list(tenants[None], limit=200)) == set(TENANTS)
        assert groups(client.list(tenants["south"], limit=200)) == {"south"}


@pytest.mark.parametrize("what", ["a role that is not granted", "a role without rights", "no such role"])
def test_role_that_cannot_be_used(client, scratch, tenants, what):
    """Refused without a word about SQL, and never answered with the daemon's own rights."""
    roles = {"a role that is not granted": lambda: scratch.create_role("not_granted"),
             "a role without rights": lambda: scratch.create_role("no_rights"),
             "no such role": lambda: scratch.create_role("dropped")}
    role = roles[what]()
    if what != "a role that is not granted":
        scratch.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(scratch.frontend)))
    key = scratch.create_api_key(what, db_role=role)
    if what == "no such role":
        scratch.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        scratch.roles.remove(role)
    event_id = client.list(tenants[None], limit=1).ids[0]
    for target in (EVENTS, f"{EVENTS}/{event_id}"):
        answer = client.get(target, key)
        assert answer.status == 403, (answer.status, answer.text)
        assert list(answer.json()) == ["detail"]
        assert role not in answer.text and "permission denied for" not in answer.text
    assert groups(client.list(tenants["north"], limit=200)) == {"north"}


def test_role_claim_of_an_identity_provider(scratch, tenants, start_daemon, provider, write_file):
    roles = {tenant: next(role for role in scratch.roles if f"_{tenant}_" in role) for tenant in TENANTS}
    jwks_file = write_file("jwks.json", json.dumps(provider.jwk_set()))
    client = start_daemon(database=scratch.conninfo(), jwks_file=jwks_file,
                          idp_issuer=tokens.IDP_ISSUER, idp_audience=tokens.IDP_AUDIENCE, idp_algorithms="ES256",
                          idp_role_claim="tenant_role", pool_size=1).client
    for _ in range(3):
        for tenant in TENANTS:
            token = provider.sign("ec", "ES256", tenant_role=roles[tenant])
            assert groups(client.list(token=token, limit=200)) == {tenant}
    for role in (scratch.superuser, "no_such_role", "none", "north'; DROP TABLE audit_events; --"):
        assert client.list(token=provider.sign("ec", "ES256", tenant_role=role)).status == 403
    # Where roles separate tenants, a token that names none must not see all of them.
    for role in (None, "", 5, ["x"]):
        answer = client.list(token=provider.sign("ec", "ES256", tenant_role=role))
        assert answer.status in (401, 403), (role, answer.status, len(answer.text))
