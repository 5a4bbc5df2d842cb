# Several PostgreSQL hosts in the connection string, standbys among them: when one dies, the next request goes to another.
import signal
import time

import pytest

from http_client import EVENTS, credentials, request_bytes
from pair import COUNT
from proxy import Proxy
from support import eventually


def test_standby_alone(steady, start_daemon, secret_file):
    """It starts there, and serves whatever only reads."""
    daemon = start_daemon(database=steady.hosts(steady.standby.server), token_secret_file=secret_file)
    client = daemon.client
    assert client.get("/readyz").status == 200
    page = client.list(steady.key, limit=100)
    assert len(page.ids) == 100
    rest = client.list(steady.key, limit=100, cursor=page.json()["next_cursor"])
    assert len(rest.ids) == COUNT - 100 and not set(page.ids) & set(rest.ids)
    assert client.get(f"{EVENTS}/{page.ids[0]}", steady.key).json()["id"] == page.ids[0]
    token = client.token(*steady.user)
    assert client.list(token=token).ids == client.list(steady.key).ids


def test_posting_engine_on_a_standby(steady):
    explained = steady.on_standby("SELECT audit_explain(event_group => 'g')::text")
    assert steady.database.execute("SELECT audit_explain(event_group => 'g')::text")[0][0].split()[0] == \
        explained.split()[0]
    assert "posting" in explained


def test_changes_reach_a_standby(steady, start_daemon):
    """There is no notice of a change on a standby: what it remembers is forgotten after some seconds."""
    daemon = start_daemon(database=steady.hosts(steady.standby.server))
    client = daemon.client
    late = steady.database.create_api_key("made later")
    assert eventually(lambda: client.list(late).status == 200, "the new key is known")
    steady.database.call("audit_revoke_api_key", "made later")
    eventually(lambda: client.list(late).status == 401, "the revoked key is refused")


def test_notice_from_the_primary_but_answers_from_a_standby(steady, start_daemon):
    """A revocation is heard of before the standby has it. What the standby says then is not to be remembered for long."""
    name = "revoked before it is replayed"
    key = steady.database.create_api_key(name)
    steady.standby_has(f"SELECT count(*) > 0 FROM audit_api_keys WHERE name = '{name}'")
    proxy = Proxy(steady.primary.server["host"], steady.primary.server["port"])
    try:
        proxy.refuse()
        database = steady.hosts({"host": "127.0.0.1", "port": str(proxy.port)}, steady.standby.server)
        client = start_daemon(database=database, pool_size=1, principal_cache_s=3600).client
        assert client.list(key).status == 200
        ours = f"FROM pg_stat_activity WHERE usename = '{steady.database.frontend}'"
        eventually(lambda: steady.on_standby(f"SELECT count(*) {ours}") == 2, "pool and listener are at the standby")
        proxy.pass_on()

        def listener_has_moved():  # as long as it is being set up it looks like the pool's session: so it is ended again
            steady.on_standby(f"SELECT count(pg_terminate_backend(pid)) {ours} AND query !~ 'audit_list_json'")
            return steady.database.execute(f"SELECT count(*) {ours} AND query ~ '^LISTEN' AND state = 'idle'") == [(1,)]
        eventually(listener_has_moved, "the listener is at the primary")
        assert client.list(key).status == 200
        steady.on_standby("SELECT pg_wal_replay_pause()::text")
        steady.database.call("audit_revoke_api_key", name)
        assert client.list(key).status == 200, "the standby does not know yet"
        steady.on_standby("SELECT pg_wal_replay_resume()::text")
        eventually(lambda: client.list(key).status == 401, "refused once it is replayed")
    finally:
        steady.on_standby("SELECT pg_wal_replay_resume()::text")
        proxy.close()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_next_request_goes_to_another_host(pair, start_daemon, how):
    pair.standby_has(f"SELECT count(*) = {COUNT} FROM audit_events")
    daemon = start_daemon(database=pair.hosts(pair.primary.server, pair.standby.server))
    client = daemon.client
    expected = client.list(pair.key).ids
    getattr(pair.primary, how)()
    began_s = time.monotonic()
    assert [client.list(pair.key).ids for _ in range(20)] == [expected] * 20
    assert client.get("/readyz").status == 200
    print(f"served by the standby {1000 * (time.monotonic() - began_s):.0f} ms after the primary's end")
    # And back, without a restart.
    pair.primary.start()
    pair.standby.stop()
    assert [client.list(pair.key).ids for _ in range(20)] == [expected] * 20


def test_request_that_the_daemon_sees_before_the_end_of_its_connections(pair, start_daemon):
    """Both have come while the daemon stood still, the request first: it is not sent to a server that has gone."""
    pair.standby_has(f"SELECT count(*) = {COUNT} FROM audit_events")
    daemon = start_daemon(database=pair.hosts(pair.primary.server, pair.standby.server))
    request = request_bytes(EVENTS, headers=credentials(pair.key))
    with daemon.client.connect() as connection:
        connection.send(request)
        assert connection.receive().status == 200
        daemon.send(signal.SIGSTOP)
        try:
            connection.send(request)
            pair.primary.kill()
        finally:
            daemon.send(signal.SIGCONT)
        assert connection.receive().status == 200


def test_promoted_standby_is_found(pair, start_daemon):
    """target_session_attrs=read-write: only a primary will do, wherever it is."""
    pair.standby_has(f"SELECT count(*) = {COUNT} FROM audit_events")
    conninfo = pair.hosts(pair.standby.server, pair.primary.server, target_session_attrs="read-write")
    client = start_daemon(database=conninfo).client
    expected = client.list(pair.key).ids
    assert pair.database.execute("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name ~ '^audit_httpd'")[0][0]
    pair.primary.kill()
    assert client.list(pair.key).status == 503
    pair.standby.promote()
    eventually(lambda: client.get("/readyz").status == 200, "the new primary is found")
    assert client.list(pair.key).ids == expected
