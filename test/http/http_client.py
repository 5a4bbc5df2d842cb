# Two ways to talk to the daemon: exact bytes over a socket, and requests for what any client would send.
import contextlib
import http.client
import json
import socket
from dataclasses import dataclass

import requests

from support import DEADLINE_S, secret

EVENTS = "/v1/audit/events"
TOKEN = "/v1/auth/token"


@dataclass
class Answer:
    """What both ways return."""
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)

    @property
    def ids(self):
        assert self.status == 200, (self.status, self.text)
        return [item["id"] for item in self.json()["items"]]


class Connection:
    """A TCP connection that sends just the bytes it is given."""

    def __init__(self, address, timeout_s=DEADLINE_S):
        self.socket = socket.create_connection(address, timeout=timeout_s)
        self._stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def send(self, data):
        """As much as the peer takes: it may answer and close before it has read everything."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def receive(self, method="GET"):
        """The next answer on this connection, or None where the peer closed instead."""
        try:
            if not self._stream.peek(1):
                return None
            response = http.client.HTTPResponse(_KeepOpen(self._stream), method=method)
            response.begin()
            return Answer(response.status, response.msg, response.read())
        except (ConnectionResetError, http.client.HTTPException):
            return None

    def is_closed_after(self, data):
        """Sends `data`. Whether the other side has closed by then, or does within a moment."""
        self.socket.settimeout(0.1)
        try:
            self.send(data)
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except (ConnectionResetError, BrokenPipeError):
            return True

    def close(self):
        # The stream shares the socket, which stays open until both are closed.
        with contextlib.suppress(OSError):
            self._stream.close()
        self.socket.close()

    def abort(self):
        """Closes with RST rather than FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()


class _KeepOpen:
    """HTTPResponse closes its stream after one answer; pipelined answers need it open."""

    def __init__(self, stream):
        self._stream = stream

    def makefile(self, _mode):
        return self

    def close(self):
        pass

    def __getattr__(self, name):
        return getattr(self._stream, name)


def request_bytes(target, method="GET", headers=(), body=b""):
    """`target` and the header values may be bytes, and may be wrong."""
    def as_bytes(value):
        return value if isinstance(value, bytes) else str(value).encode("utf-8")
    fields = list(headers.items() if isinstance(headers, dict) else headers)
    if body:
        fields.append(("Content-Length", len(body)))
    lines = [as_bytes(method) + b" " + as_bytes(target) + b" HTTP/1.1", b"Host: localhost"]
    lines += [as_bytes(name) + b": " + as_bytes(value) for name, value in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Client:
    """Requests to one daemon."""

    def __init__(self, address):
        self.address = address
        self.url = f"http://{address[0]}:{address[1]}"
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no .netrc of the user who runs the tests

    def connect(self, timeout_s=DEADLINE_S):
        return Connection(self.address, timeout_s)

    def send(self, target, method="GET", headers=(), body=b""):
        """One request, byte for byte as given, over a connection of its own."""
        with self.connect() as connection:
            connection.send(request_bytes(target, method, headers, body))
            answer = connection.receive(method)
            assert answer is not None, f"connection closed without an answer to {target!r:.100}"
            return answer

    def request(self, method, target, key=None, token=None, headers=None, **more):
        headers = {**(headers or {}), **credentials(key, token)}
        response = self._session.request(method, self.url + target, headers=headers, timeout=DEADLINE_S,
                                         allow_redirects=False, **more)
        return Answer(response.status_code, _as_message(response.headers), response.content)

    def get(self, target, key=None, token=None, **more):
        return self.request("GET", target, key, token, **more)

    def list(self, key=None, token=None, headers=None, **parameters):
        """GET /v1/audit/events with `parameters` in the query string."""
        return self.get(EVENTS, key, token, headers=headers, params=parameters)

    def login(self, username, password, **more):
        """POST /v1/auth/token."""
        form = {"grant_type": "password", "username": username, "password": password, **more}
        answer = self.request("POST", TOKEN, data=form)
        if answer.status == 200:
            secret(answer.json()["access_token"])
        return answer

    def token(self, username, password, **more):
        answer = self.login(username, password, **more)
        assert answer.status == 200, answer.text
        return answer.json()["access_token"]

    def close(self):
        self._session.close()


def credentials(key=None, token=None):
    """The request headers that carry them."""
    headers = {}
    if key is not None:
        headers["X-API-Key"] = secret(key)
    if token is not None:
        headers["Authorization"] = "Bearer " + secret(token)
    return headers


def _as_message(headers):
    message = http.client.HTTPMessage()
    for name, value in headers.items():
        message[name] = value
    return message
