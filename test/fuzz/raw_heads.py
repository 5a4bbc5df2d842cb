# Sends streams of requests to a daemon of its own for so many seconds, and a fifth of that over TLS. Their heads and bodies
# are odd or damaged. What a strict reader of RFC 9112 (messages.py) takes for a request must get one answer, with its own
# X-Request-ID. What it refuses may get one error, behind which the connection ends. So a request that is hidden in another
# one, or behind a broken one, is never answered. Input N of a seed is always the same, but for the API key in it:
# FUZZ_SEED=S FUZZ_INPUT=N sends it alone.
import contextlib
import gzip
import json
import os
import random
import socket
import ssl
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "http"))

from certificates import Authority  # noqa: E402  (after the path is set)
from daemon import Daemon  # noqa: E402
from database import temporary_database  # noqa: E402
from messages import Answers, read_messages  # noqa: E402
from support import SECRETS  # noqa: E402

SEED = int(os.environ.get("FUZZ_SEED", "9112"))
EVENT = json.dumps({"event_group": "g", "event_type": "t", "error_message": "x" * 50}).encode()
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: hidden\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-ID: last\r\nConnection: close\r\n\r\n"
TARGETS = [b"/healthz", b"/readyz", b"/v1/audit/events?limit=1", b"/v1/audit/events", b"/v1/auth/token", b"/none", b"*",
           b"http://x/healthz", b"/healthz?a=%00&b", b"/healthz#x", b"//", b"/v1/audit/events/%2e%2e"]
METHODS = [b"GET", b"GET", b"GET", b"HEAD", b"POST", b"POST", b"PUT", b"OPTIONS", b"DELETE", b"PATCH", b"FOO"]
LENGTHS = [b"%d, %d", b"+%d", b"-%d", b"0x%d", b"%d ", b"%d.0", b"%d\t", b"%de0", b"99999999999999999999%d", b"", b"0%d"]
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"\t", b"\r\n ", b": y\r\n", b"\x7f", b"\xff", b";", b",", HIDDEN,
          b"\r\nContent-Length: 5\r\n", b"\r\nTransfer-Encoding: chunked\r\n", b"\r\nHost: y\r\n", b"\r\n\r\n", b"0\r\n\r\n"]
FIELDS = [b"Host: y", b"X: y", b"X:", b"X:\ty\t ", b"Cookie: a=b; c", b"X y: z", b"X : y", b"X\t: y", b": y", b":", b"X", b"",
          b" X: y", b"X: y\r\n z", b"X: y\n", b"X: y\rz", b"X\0: y", b"X: \0", b"X: \x01", b"X: \xc3\xa4", b"X-Request-ID: hidden",
          b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Content-Length: 0",
          b"content-length: 7", b"Content-Length : 7", b"Transfer-Encoding : chunked", b"Connection: close", b"Connection: keep-alive",
          b"Content-Encoding: gzip", b"Content-Encoding: br", b"Accept-Encoding: gzip", b"Prefer: handling=strict"]


def maybe(random_, share):
    return random_.random() < share


def zipped(data):
    return gzip.compress(data, mtime=0)


def packed(random_):
    """gzip, often of more than one member, and sometimes damaged."""
    at = random_.randint(0, len(EVENT))
    body = random_.choice([zipped(EVENT), zipped(EVENT[:at]) + zipped(EVENT[at:]), zipped(b" " * 100_000)])
    return damaged(random_, body) if maybe(random_, 0.5) else body


def in_chunks(random_, body):
    chunks = b""
    while body:
        size = random_.randint(1, len(body))
        extension = random_.choice([b"", b"", b"", b";a=b", b" ", b"\t;x"])
        chunks += b"%x%s\r\n%s%s" % (size, extension, body[:size], random_.choice([b"\r\n"] * 9 + [b"\n"]))
        body = body[size:]
    return chunks + random_.choice([b"0\r\n\r\n"] * 4 + [b"0\r\nX: y\r\n\r\n", b"0\r\n: y\r\n\r\n", b"0\n\n", b"00\r\n\r\n", b"0\r\n"])


def damaged(random_, data):
    """A bit, a piece put in or instead of another, a part left out or doubled."""
    at, end = sorted(random_.randint(0, len(data)) for _ in range(2))
    end = min(end, at + random_.randint(0, 40))
    return random_.choice([
        lambda: data[:at] + bytes(byte ^ 1 << random_.randrange(8) for byte in data[at:at + 1]) + data[at + 1:],
        lambda: data[:at] + random_.choice(PIECES) + data[at:],
        lambda: data[:at] + random_.choice(PIECES) + data[end:],
        lambda: data[:at] + data[end:],
        lambda: data[:end] + data[at:],
    ])()


def message(random_, number, key):
    """One request by the grammar, with a body or without, and with an oddity now and then."""
    method = random_.choice(METHODS)
    fields = [b"Host: x", b"X-Request-ID: m%d" % number]
    body = random_.choice([b"", HIDDEN, HIDDEN * 2, EVENT, packed(random_)]) if method not in (b"GET", b"HEAD") or maybe(random_, 0.2) else b""
    if maybe(random_, 0.5):
        fields += [b"X-API-Key: " + key, b"Content-Type: application/json"]
    if body[:1] == b"\x1f":
        fields.append(b"Content-Encoding: gzip")
    if body and maybe(random_, 0.3):
        body = in_chunks(random_, body)
        fields.append(b"Transfer-Encoding: chunked")
    elif body:
        fields.append(b"Content-Length: %d" % len(body))
        if maybe(random_, 0.05):
            form = random_.choice(LENGTHS)
            fields[-1] = b"Content-Length: " + (form % ((len(body),) * form.count(b"%d")))
    for _ in range(random_.choice([0, 0, 0, 1, 2])):
        fields.insert(random_.randint(0, len(fields)), random_.choice(FIELDS))
    if maybe(random_, 0.05):
        del fields[random_.randrange(len(fields))]
    line = method + b" " + random_.choice(TARGETS) + random_.choice([b" HTTP/1.1"] * 12 + [b" HTTP/1.0", b"  HTTP/1.1", b" HTTP/1.1 ", b"", b" http/1.1"])
    return b"\r\n".join([line, *fields]) + b"\r\n\r\n" + body


def stream(number, key):
    """Two to four requests on one connection, then one that asks for the connection's end."""
    random_ = random.Random(f"{SEED} {number}")
    data = b"".join(message(random_, at, key) for at in range(random_.randint(1, 3)))
    for _ in range(random_.choice([0, 0, 0, 1, 2])):
        data = damaged(random_, data)
    data += LAST
    pieces = sorted(random_.randint(0, len(data)) for _ in range(random_.choice([0, 0, 0, 1, 2])))
    return [data[begin:end] for begin, end in zip([0, *pieces], [*pieces, len(data)])]


class Fuzzer:
    def __init__(self, daemon, key, context=None):
        self._daemon, self._key, self._context = daemon, key.encode(), context
        self.count = self.answers = 0

    def _connect(self):
        connection = socket.create_connection(self._daemon.client.address, timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection if self._context is None else self._context.wrap_socket(connection)

    def _exchange(self, pieces, is_complete):
        """All that comes until the daemon ends the connection."""
        received = b""
        with self._connect() as connection:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                for piece in pieces:
                    connection.sendall(piece)
            if not is_complete:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_WR)  # that of TLS would leave nothing to read with
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while piece := connection.recv(65536):
                    received += piece
        return received

    def send(self, number):
        pieces = stream(number, self._key)
        messages = read_messages(b"".join(pieces))
        try:
            received = self._exchange(pieces, messages.is_complete)
            self.answers += Answers(received).check(messages)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"FUZZ_SEED={SEED} FUZZ_INPUT={number}: {error!r}\n# sent {pieces}\n# expected {messages}") from error
        self.count += 1

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send(self.count)


def tls_options(directory):
    certificate, key = Authority().issue("localhost")
    for name, content in ("certificate", certificate), ("key", key):
        with open(os.open(os.path.join(directory, name), os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
    return {"tls_certificate_file": os.path.join(directory, "certificate"), "tls_key_file": os.path.join(directory, "key")}


def client_context():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def fuzz(database, key, name, seconds, context=None, **options):
    daemon = Daemon(database=database.conninfo(), principal_requests_per_s=0, address_requests_per_s=0, **options)
    fuzzer = Fuzzer(daemon, key, context)
    if "FUZZ_INPUT" in os.environ:
        fuzzer.send(int(os.environ["FUZZ_INPUT"]))
    else:
        fuzzer.run(seconds)
    daemon.stop()
    print(f"ok - {name}: {fuzzer.count} inputs in {seconds:.0f} s, {fuzzer.answers} answers, FUZZ_SEED={SEED}")


def main():
    seconds = float(sys.argv[1])
    with temporary_database() as database, tempfile.TemporaryDirectory() as directory:
        database.call("audit_grant_writer", database.frontend)
        key = database.create_api_key("fuzzer", scopes=["audit:read", "audit:write"])
        SECRETS.discard(key)  # damaged, a request has it as its id or target, too
        try:
            fuzz(database, key, "raw_heads", seconds * 5 / 6)
            fuzz(database, key, "raw_heads over TLS", seconds / 6, client_context(), **tls_options(directory))
        except AssertionError as error:
            print(f"not ok - raw_heads\n# {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
