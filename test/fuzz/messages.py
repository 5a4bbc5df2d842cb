# A strict reader of HTTP/1.x (RFC 9112): where requests in a stream of bytes begin and end, and whether answers fit them.
import re
from dataclasses import dataclass, field

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(%s) ([^\x00-\x20\x7f]+) HTTP/1\.([0-9])\Z" % TOKEN)
FIELD = re.compile(rb"(%s):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\Z" % TOKEN)
HOST = re.compile(rb"([!$%&'()*+,\-.;=_~0-9A-Za-z]*|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?\Z")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
EMPTY_LINES = re.compile(rb"(\r\n)*")  # before a request; they are ignored
ID = re.compile(rb"[\w\-.:+/=@]{1,128}\Z")
LARGEST_BODY = 16 * 1024


@dataclass
class Message:
    id: str  # empty: the daemon makes one
    method: str
    is_last: bool  # the connection ends with it


@dataclass
class Messages:
    """The requests up to the first fault; `is_complete`: none goes on behind the stream's end."""
    sound: list = field(default_factory=list)
    is_complete: bool = True
    faulty_method: str = ""  # of what stands behind them, if it is no request
    has_faulty_chunks: bool = False  # behind a head that is one


class Fault(Exception):
    pass


class FaultInChunks(Fault):
    pass


class Incomplete(Exception):
    pass


def _fields(lines):
    fields = []
    for line in lines:
        match = FIELD.match(line)
        if not match:
            raise Fault
        fields.append((match[1].lower(), match[2]))
    return fields


def _values(fields, name):
    return [value for one, value in fields if one == name]


def _check_host(fields, minor):
    hosts = _values(fields, b"host")
    if len(hosts) > 1 or (minor != b"0" and not hosts) or (hosts and not HOST.match(hosts[0].strip(b" \t"))):
        raise Fault


def _after_body(data, at, fields, minor):
    """Where the body ends that begins at `at`, and whether it is in chunks."""
    lengths, codings = _values(fields, b"content-length"), _values(fields, b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Fault
    if codings:
        if minor == b"0" or codings[0].lower() != b"chunked":
            raise Fault
        return _after_chunks(data, at), True
    if not lengths:
        return at, False
    if not re.match(rb"[0-9]+\Z", lengths[0]) or int(lengths[0]) > LARGEST_BODY:
        raise Fault
    end = at + int(lengths[0])
    if end > len(data):
        raise Incomplete
    return end, False


def _after_chunks(data, at):
    while True:
        match = CHUNK.match(data, at)
        if not match:
            raise FaultInChunks
        size = int(match[1], 16)
        end = match.end() + size + 2
        if data[end - 2:end] != b"\r\n":
            raise FaultInChunks
        at = end
        if size == 0:
            return at


def _read_message(data, at):
    """(the message, where it ends)"""
    at = EMPTY_LINES.match(data, at).end()
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        raise Incomplete
    first, *lines = data[at:end].split(b"\r\n")
    line = REQUEST_LINE.match(first)
    if not line:
        raise Fault
    fields = _fields(lines)
    _check_host(fields, line[3])
    after, is_chunked = _after_body(data, end + 4, fields, line[3])
    options = [option.strip(b" \t") for option in b",".join(_values(fields, b"connection")).lower().split(b",")]
    is_last = is_chunked or b"close" in options or (line[3] == b"0" and b"keep-alive" not in options)
    identity = (_values(fields, b"x-request-id") or [b""])[0]
    return Message(identity.decode() if ID.match(identity) else "", line[1].decode(), is_last), after


def read_messages(data):
    read, at = Messages(), 0
    while at < len(data):
        try:
            message, at = _read_message(data, at)
        except Fault as fault:
            read.faulty_method = data[at:].lstrip(b"\r\n").partition(b" ")[0].decode("latin-1")
            read.has_faulty_chunks = isinstance(fault, FaultInChunks)
            read.is_complete = not read.has_faulty_chunks  # the daemon may take the rest for a chunk
            return read
        except Incomplete:
            read.is_complete = False
            return read
        read.sound.append(message)
        if message.is_last:
            return read
    return read


@dataclass
class Answer:
    status: int
    fields: list
    body: bytes

    def value(self, name):
        return b"".join(_values(self.fields, name)).decode("latin-1")


class Answers:
    """What the daemon sent, which must be answers from the first byte to the last."""

    def __init__(self, data):
        self._data = data

    def _take(self, method):
        head, separator, rest = self._data.partition(b"\r\n\r\n")
        assert separator, f"no end of a head: {self._data[:300]}"
        line, *lines = head.split(b"\r\n")
        status = re.match(rb"HTTP/1\.1 ([1-5][0-9]{2}) [\x20-\x7e]+\Z", line)
        assert status, f"no answer: {self._data[:300]}"
        fields = [(name.lower(), value) for name, value in (re.match(rb"([\w-]+): (.*)\Z", one).groups() for one in lines)]
        size = 0 if method == "HEAD" or status[1][:1] == b"1" else int(b"".join(_values(fields, b"content-length")))
        assert len(rest) >= size, f"an answer is cut: {self._data[:300]}"
        self._data = rest[size:]
        return self._take(method) if status[1] == b"100" else Answer(int(status[1]), fields, rest[:size])

    def check(self, messages):
        """How many there were."""
        for message in messages.sound:
            answer = self._take(message.method)
            assert answer.value(b"x-request-id") == message.id or not message.id, f"{answer} to {message}"
            assert b"Bad Request" not in answer.body, f"{answer} to {message}"
            assert (answer.value(b"connection") == "close") >= message.is_last, f"{answer} to {message}"
        if messages.sound and messages.sound[-1].is_last or not self._data:
            assert not self._data, f"more than one answer: {self._data[:500]}"
            return len(messages.sound)
        # The library answers by itself where it has not understood the line: then also a HEAD gets a body.
        error = self._take(messages.faulty_method if self._data.endswith(b"\r\n\r\n") else "")
        assert error.status in (400, 413, 414, 431, 501, 505) or messages.has_faulty_chunks, error
        assert error.value(b"connection") == "close", error
        assert not self._data, f"something behind the error: {self._data[:500]}"
        return len(messages.sound) + 1
