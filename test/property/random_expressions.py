# Random texts for `filter`, and events that they find: missing values, payloads of every shape, texts that differ only in bytes.
import json

_TEXTS = ("", "a", "A", "ab", "abc", "b", "z", "é", "e\u0301", "Größe", "grösse", "a.b", "50%", "_", "\\", "\"q\"", "x" * 3000, "漢字", "😀", "\x7f")
_INTEGERS = (0, 1, -1, 5, 404, 500, 2**31 - 1, -2**31)
_BIG = (*_INTEGERS, 2**63 - 1, -2**63)
_REALS = (0.0, 0.1, 1.5, -2.0, 1e300, 1e-300, 12.25)
_ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.0.0/16", "2001:db8::1", "2001:db8:1::", "::ffff:10.0.0.1", "10.0.0.0/8", "10.0.0.5/8", "0.0.0.0")
_NETWORKS = ("10.0.0.1", "10.0.0.0/8", "10.0.0.0/30", "0.0.0.0/0", "::/0", "2001:db8::/32", "2001:db8::1", "10.0.0.2/32", "192.168.0.0/16")
_TIMES = ("2024-01-01T00:00:00Z", "2024-01-15T12:00:00.000001+01:00", "2024-02-01T00:00:00Z", "2024-02-10T06:30:00-05:00", "2023-06-01T00:00:00Z")
_IDS = tuple(f"00000000-0000-7000-8000-00000000000{n}" for n in range(4))
_SPECIAL_REALS = ("NaN", "Infinity", "-Infinity")
_NUMBERS = ("0", "-0", "1", "1.0", "1.50", "1.5", "1e0", "15e-1", "100000000000000000000", "1e20", "1e-20", "0.1", "9" * 900, "-1e900", "1e-900", "5")
_NAMES = ("a", "b", "A", "k", "a b", "a.b", "\"", "", "é", "0")

TEXT_COLUMNS = ("actor_type", "actor_id", "source", "event_group", "event_type", "status", "resource_type", "resource_id", "session_id",
                "vm_id", "request_id", "correlation_id", "http_method", "path", "user_agent", "worker_id", "error_message")
_REQUIRED = ("actor_type", "source", "event_group", "event_type", "status")
_INDEXED = ("event_group", "event_type", "status", "session_id", "vm_id")  # at most 2,048 bytes


def random_payload(random_, depth=3):
    kind = random_.randrange(9 if depth > 0 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return random_.random() < 0.5
    if kind in (2, 3):
        return RawNumber(random_.choice(_NUMBERS))
    if kind in (4, 5):
        return random_.choice(_TEXTS)
    if kind == 6:
        return [random_payload(random_, depth - 1) for _ in range(random_.randrange(4))]
    return {random_.choice(_NAMES): random_payload(random_, depth - 1) for _ in range(random_.randrange(5))}


class RawNumber:
    """A number as it is written: Python would make another one of it."""

    def __init__(self, text):
        self.text = text


def as_json(value):
    if isinstance(value, RawNumber):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{as_json(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    return json.dumps(value)


def random_event(random_, number):
    event = {"created_at": random_.choice(_TIMES) if random_.random() < 0.4 else f"2024-0{random_.randrange(1, 4)}-{random_.randrange(1, 29):02}T10:00:00Z",
             "event_payload": as_json(random_payload(random_)) if random_.random() < 0.85 else None}
    if number < len(_IDS):
        event["id"] = _IDS[number]
    for column in TEXT_COLUMNS:
        if column in _REQUIRED or random_.random() < 0.6:
            text = random_.choice(_TEXTS)
            event[column] = text[:2000] if column in _INDEXED else text
    for column, values in (("user_id", _BIG), ("task_id", _BIG), ("http_status", _INTEGERS), ("latency_ms", (*_REALS, *_SPECIAL_REALS)),
                           ("ip_address", _ADDRESSES), ("node_ip", _ADDRESSES)):
        if random_.random() < 0.7:
            event[column] = random_.choice(values)
    return event


def _quoted(random_, text):
    """As JSON, with escapes or without, in other words for the same."""
    if random_.random() < 0.5:
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)


def _path(random_):
    names = [random_.choice(_NAMES) for _ in range(random_.choice((0, 1, 1, 1, 2, 2, 3)))]
    plain = all(name in ("a", "b", "A", "k", "0") for name in names) and random_.random() < 0.8
    return "event_payload" + "".join("." + (name if plain else _quoted(random_, name)) for name in names)


def _text_operand(random_):
    text = random_.choice(_TEXTS)
    if random_.random() < 0.5 and text:
        begin = random_.randrange(len(text))
        text = text[begin:begin + random_.randrange(1, 5)]
    return _quoted(random_, text[:200])


def _order(random_):
    return random_.choice(("eq", "ne", "gt", "ge", "lt", "le"))


def _text_operator(random_):
    return random_.choice(("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"))


def random_term(random_):
    kind = random_.randrange(12)
    if kind < 4:
        field, comparison = random_.choice(TEXT_COLUMNS), f"{_text_operator(random_)} {_text_operand(random_)}"
    elif kind == 4:
        field, comparison = random_.choice(("user_id", "task_id", "http_status")), f"{_order(random_)} {random_.choice(_BIG)}"
    elif kind == 5:
        field, comparison = "latency_ms", f"{_order(random_)} {random_.choice(_REALS)!r}"
    elif kind == 6:
        field, comparison = random_.choice(("ip_address", "node_ip")), f'{random_.choice(("eq", "ne"))} "{random_.choice(_NETWORKS)}"'
    elif kind == 7:
        field, comparison = "created_at", f'{_order(random_)} "{random_.choice(_TIMES)}"'
    elif kind == 8:
        field, comparison = "id", f'{random_.choice(("eq", "ne"))} "{random_.choice(_IDS)}"'
    else:
        field = _path(random_)
        comparison = random_.choice((f"{_text_operator(random_)} {_text_operand(random_)}", f"{_order(random_)} {random_.choice(_NUMBERS)}",
                                     f'{random_.choice(("eq", "ne"))} {random_.choice(("true", "false"))}'))
    if random_.random() < 0.15:
        comparison = random_.choice(("pr", "PR", "eq null", "ne null"))
    return f"{field} {comparison}"


def random_expression(random_, terms):
    """With at most that many terms, in at most 4,096 bytes."""
    while True:
        text = _expression(random_, terms)
        if len(text.encode()) <= 4096:
            return text
        terms = (terms + 1) // 2


def _expression(random_, terms):
    if terms == 1:
        return random_term(random_)
    left = random_.randrange(1, terms)
    text = _expression(random_, left) + random_.choice((" and ", " or ", " AND ", "  oR ")) + _expression(random_, terms - left)
    if terms > 8:  # or the parentheses would be nested too deeply
        return text
    return random_.choice((text, f"({text})", f"not ({text})", f"not({text})"))
