# The manual's way of moving a month to another server, as printed in docs/operations.md.
import os
import subprocess

import pytest

from database import unique_name
from test_documented_commands import blocks, without_comment

DOCUMENT = "docs/operations.md"
ARCHIVE, TRAIL = "-- on the archive", "-- on the trail's server"


def sql_blocks(*heads):
    return [block for block in blocks(DOCUMENT, "sql") if block.startswith(heads)]


def commands():
    """The copy, and both sums."""
    block, = (block for block in blocks(DOCUMENT, "sh") if "archive.example.com" in block)
    return [without_comment(line) for line in block.splitlines()]


class Servers:
    """A database on each of both servers, in the place of "app" and archive.example.com."""

    def __init__(self, second_server):
        self.name = unique_name("app")
        self.role = unique_name("trail_reader")
        self._far = second_server.server
        near, far = self.environment(TRAIL), self.environment(ARCHIVE)
        for environment in (near, far):
            self._psql(environment, f"CREATE DATABASE {self.name} TEMPLATE template0 ENCODING 'UTF8'", "postgres")

    def environment(self, head):
        far = {"PGHOST": self._far["host"], "PGPORT": self._far["port"], "PGUSER": self._far["user"]} if head == ARCHIVE else {}
        return {**os.environ, "PGOPTIONS": "-c client_min_messages=warning", **far}

    @staticmethod
    def _psql(environment, text, database):
        done = subprocess.run(["psql", "-XqAtv", "ON_ERROR_STOP=1", "-d", database], input=text, env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, (text, done.stderr)
        return done.stdout

    def run(self, head, text):
        text = text.replace("trail_reader", self.role).replace("dbname 'app'", f"dbname '{self.name}'")
        text = text.replace("host 'archive.example.com'", f"host '{self._far['host']}', port '{self._far['port']}'")
        return self._psql(self.environment(head), text, self.name)

    def shell(self, command):
        command = command.replace("-d app", f"-d {self.name}")
        command = command.replace("-h archive.example.com", f"-h {self._far['host']} -p {self._far['port']} -U {self._far['user']}")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], env=self.environment(TRAIL), capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def drop(self):
        self._psql(self.environment(TRAIL), f"DROP DATABASE {self.name} WITH (FORCE)", "postgres")
        self._psql(self.environment(ARCHIVE), f"DROP DATABASE {self.name} WITH (FORCE); DROP ROLE IF EXISTS {self.role}", "postgres")


@pytest.fixture
def servers(second_server):
    servers = Servers(second_server)
    yield servers
    servers.drop()


PAGES = "SELECT audit_list_json('g', page_size => 30), audit_list_json('g', until => '2025-02-10Z', page_size => 200), audit_list_json('g', 'none')"


def test_a_month_is_moved_as_printed(servers):
    """Also with an event that comes late: the exchange is rolled back, until that event is copied as well."""
    def trail(text):
        return servers.run(TRAIL, text)

    def archive(text):
        return servers.run(ARCHIVE, text)

    copy, near_sum, far_sum = commands()
    trail("CREATE EXTENSION audit_ext CASCADE; SELECT audit_create_partition('2025-01-01Z', '2025-02-01Z');"
          "INSERT INTO audit_events (created_at, event_group, event_type, status, event_payload, latency_ms, ip_address)"
          " SELECT timestamptz '2025-01-20Z' + n * interval '5 h', 'g', 't', E'\\t\\\\ä' || n % 3, jsonb_build_object('n', n), n / 7.0, '10.0.0.1' FROM generate_series(1, 100) n")
    archive_once, for_each = sql_blocks(ARCHIVE)
    trail_once, exchange = sql_blocks(TRAIL)
    archive(archive_once)
    trail(trail_once)
    archive(for_each)
    servers.shell(copy)
    assert servers.shell(near_sum) == servers.shell(far_sum) != "0|\n"

    trail("INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2025-01-31 12:00Z', 'g', 'late')")
    assert servers.shell(near_sum) != servers.shell(far_sum)
    before = trail(PAGES)
    with pytest.raises(AssertionError, match="late events have come"):
        trail(exchange)
    assert trail(PAGES) == before
    late = trail("COPY (SELECT * FROM audit_events WHERE event_type = 'late') TO STDOUT")
    archive(f"COPY audit_events FROM STDIN;\n{late}\\.\n")
    assert servers.shell(near_sum) == servers.shell(far_sum)
    trail(exchange)
    assert trail(PAGES) == before
    engine, reason = trail("SELECT value FROM audit_explain('g', until => '2025-02-10Z') WHERE name IN ('engine', 'reason') ORDER BY name").splitlines()
    assert (engine, reason) == ("mixed", "partition archive_202501 is not an ordinary table")
    recorded = trail("SELECT event_payload ->> 'command' FROM audit_events WHERE event_type = 'audit.changed' ORDER BY created_at, id").splitlines()
    assert recorded == ["ALTER TABLE", "CREATE FOREIGN TABLE: a foreign partition"]
    # An id without a time is looked up by the archive's index, and what has moved stays as it is.
    plan = trail("EXPLAIN VERBOSE SELECT id FROM audit_events WHERE id = gen_random_uuid() AND NOT audit_id_matches(id, created_at)")
    assert "NOT public.audit_id_matches(id, created_at)" in plan
    id_ = trail("SELECT id FROM audit_events WHERE event_type = 'late'").strip()
    assert '"late"' in trail(f"SELECT audit_get_json('{id_}')")
    for statement in ("INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2025-01-05Z', 'g', 't')", "TRUNCATE archive_202501",
                      "DELETE FROM audit_events WHERE event_type = 'late'", "DROP FOREIGN TABLE archive_202501"):
        with pytest.raises(AssertionError):
            trail(statement)
    with pytest.raises(AssertionError, match="append-only"):
        archive("DELETE FROM audit_events")
    assert trail(PAGES) == before
    trail("CALL audit_maintain()")
