# A synchronous standby that takes over. Recorded events are there afterwards, and no page is wrong. Under way meanwhile are
# requests that are sent again, walks, and a move of events between partitions.
import contextlib
import json
import re
import threading

import psycopg2
import pytest

from events import JSON
from http_client import EVENTS, Client
from support import eventually
from test_documented_commands import blocks

WRITERS = 4
READERS = 3


def on_the_standby_too(pair):
    """By what docs/operations.md prints. Commits wait until the standby shows them."""
    block, = (block for block in blocks("docs/operations.md", "sql") if block.startswith("-- on the primary"))
    for statement in re.findall("^[A-Z].*?;", block, re.MULTILINE):
        pair.database.execute(statement)
    eventually(lambda: pair.database.execute("SELECT sync_state FROM pg_stat_replication") == [("sync",)], "the standby is synchronous")


def connect(pair, server):
    return contextlib.closing(pair.database.connect(port=server["port"]))


def rows(session, statement, arguments=None):
    with session.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall()


class Load:
    """Writers that send each request again until it is answered with 201, and readers that walk all pages. `wrong` has what must
    not be."""

    def __init__(self, pair, writing, reading, writer_key):
        self._pair, self._writer_key = pair, writer_key
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.recorded = {}  # id: session_id of its request
        self.walks = 0
        self.repeats = 0
        self.wrong = []
        self._threads = [threading.Thread(target=self._guard, args=(self._write, writing, number)) for number in range(WRITERS)]
        self._threads += [threading.Thread(target=self._guard, args=(self._read, address, number))
                          for number, address in enumerate(reading * READERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _guard(self, work, address, number):
        client = Client(address)
        try:
            count = 0
            while not self._stop.is_set():
                work(client, number, count)
                count += 1
        except Exception as error:
            self.wrong.append(repr(error))
        finally:
            client.close()

    def _write(self, client, number, count):
        name = f"writer {number} request {count}"
        event = {"event_group": "load", "event_type": "t", "session_id": name}
        # Every third one is for a time without a partition, so that maintenance has something to move.
        if count % 3 == 0:
            event["created_at"] = f"2025-{count % 11 + 1:02}-{count % 28 + 1:02}T00:00:00.{count % 1000000:06}Z"
        events, headers = [event] * (1 + count % 3), {**JSON, "Idempotency-Key": name.replace(" ", "-")}
        if number == 0:  # with an id of its own instead
            events, headers = [{**event, "id": f"018df0c8-{number:04x}-4000-8000-{count:012x}"}], JSON
        answer = self._until(201, lambda: client.request("POST", EVENTS, self._writer_key, headers=headers, data=json.dumps(events)))
        if answer is not None:
            with self._lock:
                self.recorded.update(dict.fromkeys(answer.json()["ids"], name))

    def _read(self, client, _number, _count):
        with self._lock:
            before = set(self.recorded)
        seen, cursor = [], None
        while True:
            parameters = {"event_group": "load", "limit": 200, **({"cursor": cursor} if cursor else {})}
            page = self._until(200, lambda: client.list(self._pair.key, **parameters))
            if page is None:
                return
            seen += [(item["created_at"], item["id"]) for item in page.json()["items"]]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                break
        ids = {one for _at, one in seen}
        if len(ids) != len(seen) or before - ids:
            self.wrong.append(f"a walk of {len(seen)} events has {len(seen) - len(ids)} twice and misses {len(before - ids)}")
        with self._lock:
            self.walks += 1

    def _until(self, status, send):
        """None at the end of the test."""
        while not self._stop.is_set():
            answer = send()
            if answer.status == status:
                return answer
            if answer.status not in (503, 504):
                raise AssertionError((answer.status, answer.text))
            with self._lock:
                self.repeats += 1
            self._stop.wait(0.02)
        return None

    def go_on(self, recorded, walks):
        recorded, walks = len(self.recorded) + recorded, self.walks + walks
        eventually(lambda: self.wrong or (len(self.recorded) >= recorded and self.walks >= walks), "recorded and read", 60)
        assert self.wrong == []


@contextlib.contextmanager
def maintenance(pair):
    """Moves events all the time, on the primary, wherever that is."""
    stop = threading.Event()
    wrong = []

    def run():
        server = pair.primary.server
        while not stop.is_set():
            try:
                with connect(pair, server) as session:
                    while not stop.is_set():
                        session.cursor().execute("CALL audit_maintain()")
            except (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.errors.ReadOnlySqlTransaction):
                stop.wait(0.02)  # it has gone, or is not the primary yet
            except psycopg2.Error as error:
                wrong.append(error)
            server = pair.standby.server if server == pair.primary.server else pair.primary.server

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert wrong == []


def test_promotion_under_load(pair, start_daemon):
    pair.database.call("audit_grant_writer", pair.database.frontend)
    writer_key = pair.database.create_api_key("writer", scopes=["audit:write"])
    on_the_standby_too(pair)
    unlimited = {"address_requests_per_s": 0, "principal_requests_per_s": 0}
    writing = start_daemon(database=pair.hosts(pair.primary.server, pair.standby.server, target_session_attrs="read-write"), **unlimited)
    reading = start_daemon(database=pair.hosts(pair.primary.server, pair.standby.server, target_session_attrs="prefer-standby"), **unlimited)
    with maintenance(pair), Load(pair, writing.client.address, [writing.client.address, reading.client.address], writer_key) as load:
        load.go_on(recorded=300, walks=6)
        pair.primary.kill()
        pair.standby.promote()
        load.go_on(recorded=300, walks=6)
    with connect(pair, pair.standby.server) as session:
        session.cursor().execute("CALL audit_maintain()")
        found = rows(session, "SELECT id::text, session_id FROM audit_events WHERE event_group = 'load'")
        assert len(found) == len(dict(found)), "each event once"
        assert load.recorded.items() <= dict(found).items(), "what was answered with 201 is there"
        # Of the last requests there may be more than was answered, but each as a whole.
        assert len(found) - len(load.recorded) <= WRITERS * 3
        assert rows(session, "SELECT last_error IS NULL, default_events = later_events FROM audit_status") == [(True, True)]
    print(f"{len(found)} events, {load.walks} walks, {load.repeats} requests sent again")


def test_repeated_request_waits_for_the_standby_as_the_first_did(pair, start_daemon):
    """The first one's wait was cancelled, so its events are recorded here and nowhere else: not what a 201 promises."""
    pair.database.call("audit_grant_writer", pair.database.frontend)
    writer_key = pair.database.create_api_key("writer", scopes=["audit:write"])
    on_the_standby_too(pair)
    conninfo = pair.hosts(pair.primary.server, pair.standby.server, target_session_attrs="read-write")
    client = start_daemon(database=conninfo, query_timeout_ms=500, request_timeout_ms=700).client
    event = {"event_group": "kept", "event_type": "t"}
    by_key = {**JSON, "Idempotency-Key": "first"}, json.dumps(event)
    by_id = JSON, json.dumps({**event, "id": "018df0c8-0000-4000-8000-000000000001"})
    count = "SELECT count(*) FROM audit_events WHERE event_group = 'kept'"

    def send(headers, body):
        return client.request("POST", EVENTS, writer_key, headers=headers, data=body).status

    def send_in_vain():
        statuses = [send(*by_key), send(*by_id)]
        assert {503, 504}.issuperset(statuses)  # 503: on a busy machine a request may not come to the server in time

    def are_recorded_here():
        send_in_vain()
        return pair.database.execute(count) == [(2,)]

    pair.standby.stop()
    eventually(are_recorded_here, "recorded by the primary")
    for _ in range(3):
        send_in_vain()
    eventually(lambda: client.list(pair.key).status == 200, "readers do not wait")
    pair.standby.start()
    for request in (by_key, by_id):
        eventually(lambda: send(*request) == 201, "answered once the standby has it")
    pair.primary.kill()
    pair.standby.promote()
    for request in (by_key, by_id):
        eventually(lambda: send(*request) == 201, "the new primary knows it")
    with connect(pair, pair.standby.server) as session:
        assert rows(session, count) == [(2,)]


def run_steps(session, *steps):
    """Of maintenance, each to its end."""
    for step in steps:
        eventually(lambda: rows(session, "SELECT audit_run_step(%s)", (step,)) == [("done",)], step)


def events_to_move(event_type, year, count=10):
    return [{"created_at": f"{year}-01-{1 + n % 28}Z", "event_group": "g", "event_type": event_type} for n in range(count)]


def count_on_page(event_type):
    return f"SELECT count(*) FROM audit_list(page_size => 200, event_type => '{event_type}')"


@contextlib.contextmanager
def snapshot(pair, server):
    """A transaction that has read nothing of the trail yet."""
    with connect(pair, server) as session:
        session.autocommit = False
        session.set_session(isolation_level="REPEATABLE READ")
        rows(session, "SELECT count(*) FROM pg_class")
        yield session
        session.rollback()


def replay(pair):
    end = pair.database.execute("SELECT pg_current_wal_insert_lsn()::text")[0][0]
    pair.standby_has(f"SELECT pg_last_wal_replay_lsn() >= '{end}'")


def test_standby_whose_snapshot_is_older_than_a_move(steady):
    """The primary cannot wait for it. It reports an error, where the events' old rows are gone and the new ones not seen."""
    steady.database.insert(events_to_move("moved", 2024))
    replay(steady)
    page = count_on_page("moved")
    with snapshot(steady, steady.standby.server) as early:
        run_steps(steady.database.connection, "move_begin", "move_copy", "move_wait", "move_finish")
        replay(steady)
        with pytest.raises(psycopg2.errors.SerializationFailure, match="moved between partitions"):
            rows(early, page)
        early.rollback()
        assert rows(early, page) == [(10,)]
    with snapshot(steady, steady.standby.server) as late:
        one = rows(late, "SELECT id::text FROM audit_list(event_type => 'moved', page_size => 1)")[0][0]
        assert rows(late, "SELECT count(*) FROM audit_get(%s)", (one,)) == [(1,)]


def test_events_that_a_move_puts_back(steady):
    """They are too far ahead for a partition, and new rows that an older snapshot does not see, on the primary too."""
    steady.database.call("audit_configure", max_ahead="100 years")
    steady.database.insert(events_to_move("ahead", 2023) + events_to_move("ahead", 2080))
    page = count_on_page("ahead")
    run_steps(steady.database.connection, "move_begin", "move_copy", "move_wait")
    with snapshot(steady, steady.primary.server) as early:
        run_steps(steady.database.connection, "move_finish")
        with pytest.raises(psycopg2.errors.SerializationFailure, match="moved between partitions"):
            rows(early, page)
        early.rollback()
        assert rows(early, page) == [(20,)]


def test_cursor_of_the_primary_on_a_standby_that_is_behind(steady, start_daemon):
    """It shows what is there behind the cursor, in order and once; never another page."""
    primary = start_daemon(database=steady.hosts(steady.primary.server)).client
    standby = start_daemon(database=steady.hosts(steady.standby.server)).client
    event = {"event_group": "g", "event_type": "paged"}
    steady.database.insert([event] * 100)
    replay(steady)
    steady.on_standby("SELECT pg_wal_replay_pause()::text")
    old = standby.list(steady.key, limit=200, event_type="paged").ids
    steady.database.insert([event] * 50)
    first = primary.list(steady.key, limit=20, event_type="paged")
    second = {"limit": 200, "event_type": "paged", "cursor": first.json()["next_cursor"]}
    assert standby.list(steady.key, **second).ids == old, "the standby has no late ones, and all others are behind the cursor"
    steady.on_standby("SELECT pg_wal_replay_resume()::text")
    replay(steady)
    assert first.ids + standby.list(steady.key, **second).ids == primary.list(steady.key, limit=200, event_type="paged").ids


def test_promotion_in_the_middle_of_a_move(pair):
    """The new primary has half of the copies and nothing of what the old one's session knew."""
    pair.database.insert(events_to_move("moved", 2024, 1500))  # more than a batch
    assert [pair.database.execute("SELECT audit_run_step(%s)", (step,)) for step in ("move_begin", "move_copy")] == [[("done",)], [("more",)]]
    replay(pair)
    pair.primary.kill()
    pair.standby.promote()
    with connect(pair, pair.standby.server) as session:
        assert rows(session, "SELECT count(*) > 0 FROM audit_events_move") == [(True,)]
        rows(session, "SELECT audit_log('g', 'moved', created_at => '2024-01-05Z')")
        session.cursor().execute("CALL audit_maintain()")
        assert rows(session, "SELECT count(*), count(DISTINCT id) FROM audit_events WHERE event_type = 'moved'") == [(1501, 1501)]
        assert rows(session, "SELECT count(*) FROM audit_events_default") == [(0,)]
        assert rows(session, "SELECT to_regclass('audit_events_move')") == [(None,)]
