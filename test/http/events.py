# The deterministic events that most tests read, and what SQL says a request must return.
import datetime
import json
import random
import uuid
from decimal import Decimal

from psycopg2 import sql

from database import COLUMNS

START = datetime.datetime(2024, 2, 28, 23, 0, tzinfo=datetime.timezone.utc)  # the day after is a leap day

PUBLISHED_FILTERS = ("event_group", "event_type", "status", "user_id", "vm_id", "session_id")
EQUALITY_FILTERS = (*PUBLISHED_FILTERS, "actor_type", "actor_id", "source", "resource_type", "ip_address", "resource_id", "request_id",
                    "correlation_id", "task_id")

# Bodies of POST, and the headers of their media types.
GOOD = {"event_group": "g", "event_type": "t"}
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}

# Values that query_cases.json filters by; each must find something, or a filter that is ignored would go unseen.
_STATUSES = ("success", "success", "success", "failure", "denied", "", "a b", "é", "%zz", "a", "=a", "x")
_EVENT_TYPES = ("login", "logout", "vm.start", "vm.stop", "\"';--", "<&>,;=\"\\", "日本語 🙂", "100%", "a/b?c#d")
_USER_IDS = (None, 1, 5, 6, -5, 1000, 2**63 - 1, -2**63)

_ODD_PAYLOADS = (
    None, {}, [], "text", 0, True, None,
    {"nested": {"list": [1, 2.5, None, True], "empty": ""}},
    {"unicode": "ünïcødé 🙂 \u2028 \u202e", "control": "\u0001\u001f\u007f\t\r\n\b\f\"\\/"},
    {"big": 10**40, "small": Decimal("1e-30"), "negative": -0.1},
    {"": {"duplicate": 1}},
)

_ODD_TEXTS = ("plain", "tab\tnewline\nreturn\r", "quote \" backslash \\ slash /", "\u0001\u0007\u001f\u007f",
              "\u2028\u2029", "é ü ß", "漢字", "🙂👩‍👩‍👧", "\ufeffbom", "a" * 3000, "", "</script>")


def make_events(count=700, seed=20240229):
    """Events in an order unlike their created_at, in blocks of equal created_at, with every kind of value."""
    random_ = random.Random(seed)
    events = [_make_event(random_, number) for number in range(count)]
    random_.shuffle(events)
    return events


def _make_event(random_, number):
    block, within = divmod(number, 7)
    # Every third block is on the full second: there created_at is written without a fraction.
    microsecond = 0 if block % 3 == 0 else (100_000 if block % 3 == 1 else 123_456)
    text = _ODD_TEXTS[number % len(_ODD_TEXTS)]
    optional = None if number % 4 == 0 else text
    payload = _ODD_PAYLOADS[number % len(_ODD_PAYLOADS)]
    return {
        "id": str(uuid.UUID(int=random_.getrandbits(128))),
        "created_at": START + datetime.timedelta(seconds=61 * block, microseconds=microsecond),
        "user_id": random_.choice(_USER_IDS),
        "actor_type": random_.choice(("user", "service", "system")),
        "actor_id": optional,
        "source": text or "api",
        "event_group": random_.choice(("auth", "compute", "storage")),
        "event_type": random_.choice(_EVENT_TYPES),
        "status": random_.choice(_STATUSES),
        "resource_type": optional,
        "resource_id": optional,
        "session_id": random_.choice((None, "s-1", "s-2", "s 3")),
        "vm_id": random_.choice((None, "vm-1", "vm-2", "vm+3", "vm&4=5")),
        "task_id": random_.choice((None, 0, 7, 2**63 - 1)),
        "request_id": optional,
        "correlation_id": optional,
        "http_method": random_.choice((None, "GET", "POST")),
        "path": optional,
        "http_status": random_.choice((None, 200, 404, 2**31 - 1, -1)),
        "latency_ms": random_.choice((None, 0.0, 0.1, 1e-300, 1.7976931348623157e308, 12345.678, -0.5, 1e21, 100.0)),
        "ip_address": random_.choice((None, "192.0.2.1", "2001:db8::1", "10.0.0.0/8", "::ffff:192.0.2.1")),
        "user_agent": optional,
        "node_ip": random_.choice((None, "198.51.100.7")),
        "worker_id": optional,
        "event_payload": None if payload is None else json.dumps(payload, default=float),
        "error_message": optional,
    }


def select_ids(database, limit=None, since=None, until=None, extra="", **filters):
    """The ids that a list request must return, newest first, by plain SQL."""
    conditions = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in filters]
    values = list(filters.values())
    if since is not None:
        conditions.append(sql.SQL("created_at >= %s"))
        values.append(since)
    if until is not None:
        conditions.append(sql.SQL("created_at < %s"))
        values.append(until)
    where = sql.SQL(" AND ").join([sql.SQL("true"), *conditions])
    statement = sql.SQL("SELECT id::text FROM audit_events WHERE {} {} ORDER BY created_at DESC, id DESC LIMIT %s")
    return [row[0] for row in database.execute(statement.format(where, sql.SQL(extra)), (*values, limit))]


# How SQL says what is not shown as psycopg2 returns it.
_AS_TEXT = {
    "event_payload": "event_payload::text",
    "created_at": "to_char(created_at AT TIME ZONE 'UTC',"
                  " CASE WHEN mod(extract(microseconds FROM created_at), 1000000) = 0"
                  " THEN 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"' ELSE 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"' END)",
}


def select_event(database, event_id):
    """The event as the API must show it: (name, value) pairs in the contract's order."""
    expressions = ", ".join(f"{_AS_TEXT.get(name, name)} AS {name}" for name in COLUMNS)
    row = database.rows(f"SELECT {expressions} FROM audit_events WHERE id = %s", (event_id,))[0]
    if row["event_payload"] is not None:
        row["event_payload"] = exact_json(row["event_payload"])
    if row["latency_ms"] is not None:
        row["latency_ms"] = Decimal(repr(row["latency_ms"]))
    return tuple((name, row[name]) for name in COLUMNS)


def exact_json(text):
    """JSON with nothing lost: objects as tuples of pairs (order, repeated names), numbers as decimals."""
    return json.loads(text, object_pairs_hook=tuple, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)


def _refuse(constant):
    raise ValueError(f"{constant} is not JSON")
