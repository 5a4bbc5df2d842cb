# The admin listener: /metrics in Prometheus' text format, and the two signs of life.
import pytest
from prometheus_client.parser import text_string_to_metric_families

from http_client import EVENTS
from support import eventually


@pytest.fixture
def daemon(database, secret_file, start_daemon):
    """One for each test, so that no other request changes its numbers."""
    return start_daemon(database=database.conninfo(), token_secret_file=secret_file, admin_listen="127.0.0.1:0",
                        pool_size=3, login_attempts=1)


def samples(daemon):
    """{(name, labels in alphabetical order as name=value): value}; fails where the text is not well-formed."""
    answer = daemon.admin.get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            labels = tuple(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[(sample.name.removeprefix("audit_httpd_"), *labels)] = sample.value
    return found


def await_sample(daemon, name, value):
    """A request is counted when its last byte has gone, which a client may see a moment before."""
    eventually(lambda: samples(daemon).get(name) == value, f"{name} is {value}")


def test_requests_by_route_and_code(daemon, key):
    for query in ("", "?limit=0", "?limit=x"):
        daemon.client.get(EVENTS + query, key)
    daemon.client.get(EVENTS)
    daemon.client.get("/no/such/path/with-a-secret-in-it")
    daemon.client.request("DELETE", EVENTS)
    daemon.client.get(EVENTS + "/no-uuid", key)
    requests = "requests_total"
    await_sample(daemon, (requests, "code=200", f"route={EVENTS}"), 1)
    await_sample(daemon, (requests, "code=422", f"route={EVENTS}"), 2)
    await_sample(daemon, (requests, "code=401", f"route={EVENTS}"), 1)
    await_sample(daemon, (requests, "code=405", f"route={EVENTS}"), 1)
    await_sample(daemon, (requests, "code=404", "route=none"), 1)
    await_sample(daemon, (requests, "code=422", f"route={EVENTS}/{{event_id}}"), 1)
    assert "secret" not in daemon.admin.get("/metrics").text


def test_requests_that_the_http_library_refuses(daemon):
    with daemon.client.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n")
        assert connection.receive().status == 431
    await_sample(daemon, ("requests_total", "code=431", "route=none"), 1)


def test_stages(daemon, key):
    for _ in range(3):
        assert daemon.client.list(key).status == 200
    for stage in ("auth", "queue", "database", "send", "total"):
        await_sample(daemon, ("stage_duration_seconds_count", f"stage={stage}"), 3)
        found = samples(daemon)
        assert found[("stage_duration_seconds_bucket", "le=+Inf", f"stage={stage}")] == 3
        assert 0 < found[("stage_duration_seconds_sum", f"stage={stage}")] < 60
    total = found[("stage_duration_seconds_sum", "stage=total")]
    assert total >= found[("stage_duration_seconds_sum", "stage=database")]


def test_pool_and_cache(daemon, key):
    eventually(lambda: samples(daemon)[("pool_connections", "state=idle")] == 3, "all of the pool idle")
    before = samples(daemon)
    for _ in range(3):
        assert daemon.client.list(key).status == 200
    found = samples(daemon)
    assert found[("pool_waiting_requests",)] == 0
    assert found[("pool_connections", "state=in_use")] + found[("pool_connections", "state=idle")] == 3
    lookups = "principal_cache_lookups_total"
    assert found[(lookups, "result=miss")] - before[(lookups, "result=miss")] == 1
    assert found[(lookups, "result=hit")] - before[(lookups, "result=hit")] == 2
    assert found[("principal_cache_entries",)] == 1
    assert found[("http_connections",)] == 1


def test_slow_queries_are_seen_at_work_and_waiting(database, key, daemon):
    # The daemon's own look at maintenance comes with the first sample; later it would wait for the lock, on a connection.
    eventually(lambda: samples(daemon)[("audit_trail_is_behind",)] in (0, 1), "a look at maintenance")
    with database.connect() as session, session.cursor() as cursor:
        session.autocommit = False
        cursor.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
        connections = []
        for _ in range(5):
            connection = daemon.client.connect()
            connection.send(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
            connections.append(connection)
        await_sample(daemon, ("pool_connections", "state=in_use"), 3)
        await_sample(daemon, ("pool_waiting_requests",), 2)
        session.rollback()
    for connection in connections:
        assert connection.receive().status == 200
        connection.close()
    await_sample(daemon, ("pool_waiting_requests",), 0)


def test_rejections_have_a_reason(daemon):
    daemon.client.login("nobody", "a wrong password")
    assert daemon.client.login("nobody", "a wrong password").status == 429
    await_sample(daemon, ("rejected_total", "reason=too_many_logins"), 1)


def test_build_info(daemon):
    assert any(name[0] == "build_info" and value == 1 for name, value in samples(daemon).items())


def test_only_these_are_there_and_only_there(daemon, key):
    assert daemon.admin.get("/healthz").status == 200
    assert daemon.admin.get("/readyz").status == 200
    assert daemon.admin.get(EVENTS, key).status == 404
    assert daemon.admin.request("POST", "/metrics").status == 405
    assert daemon.client.get("/metrics").status == 404


def test_off(database, start_daemon):
    daemon = start_daemon(database=database.conninfo(), admin_listen="off")
    assert "administration" not in daemon.log
