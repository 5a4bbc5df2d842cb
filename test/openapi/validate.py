# validate.py DIRECTORY_OF_PROGRAMS: redocly on openapi.json, and requests through prism to a daemon of its own.
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "http"))

from daemon import Daemon, clean_environment  # noqa: E402  (after the path is set)
from database import temporary_database  # noqa: E402
from http_client import EVENTS, TOKEN, Client  # noqa: E402
from support import REPOSITORY, eventually, secret  # noqa: E402

DOCUMENT = os.path.join(REPOSITORY, "http_frontend", "openapi.json")
NO_ID = "018df0c8-0000-7000-8000-000000000000"

failed = 0


def check(what, is_good, seen=""):
    global failed
    failed += not is_good
    print(f"{'ok' if is_good else 'not ok'} - {what}{': ' + str(seen)[:300] if seen else ''}", flush=True)


def lint(programs):
    result = subprocess.run([os.path.join(programs, "redocly"), "lint", "--format", "summary", DOCUMENT], capture_output=True, text=True,
                            check=False, env={**os.environ, "REDOCLY_TELEMETRY": "off"})
    output = result.stdout + result.stderr
    check("redocly lint", result.returncode == 0 and "is valid" in output, output if result.returncode else "")


class Prism:
    """A proxy that answers instead of the daemon where a request or an answer is not as the document says."""

    def __init__(self, programs, upstream):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        self._process = subprocess.Popen(
            [os.path.join(programs, "prism"), "proxy", DOCUMENT, upstream, "--errors", "--host", "127.0.0.1", "--port", str(port)],
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = Client(("127.0.0.1", port))
        eventually(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "prism listens", 60)

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        self.client.close()


def through_prism(client, database):
    """Requests with each kind of credentials, and without; the daemon's own answers come back."""
    key = database.create_api_key("by key")
    writer = database.create_api_key("writes by key", scopes=["audit:write"])
    token = client.login(*database.create_user("by token", "a password for prism"))
    check(f"POST {TOKEN}", token.status == 200, token.text if token.status != 200 else "")
    bearer = token.json().get("access_token")
    page = client.list(key, limit=5)
    check("a key alone", page.status == 200, page.text if page.status != 200 else "")
    one = f"{EVENTS}/{page.json()['items'][0]['id']}" if page.status == 200 else EVENTS
    event = {"event_group": "g", "event_type": "t", "user_id": 5, "event_payload": {"a": [1, None]}}
    expected = [
        ("a token", 200, client.list(token=bearer, limit=200)),
        ("filters", 200, client.list(key, event_group="g", user_id=1, status="success", since="2020-01-01T00:00:00Z")),
        ("the next page", 200, client.list(key, limit=5, cursor=page.json().get("next_cursor"))),
        ("one event, by key", 200, client.get(one, key)),
        ("one event, by token", 200, client.get(one, token=bearer)),
        ("no such event", 404, client.get(f"{EVENTS}/{NO_ID}", key)),
        ("an event recorded by key", 201, client.request("POST", EVENTS, writer, json=event)),
        ("events recorded by key", 201, client.request("POST", EVENTS, writer, json=[event] * 3, headers={"Idempotency-Key": "once"})),
        ("no right to record", 403, client.request("POST", EVENTS, key, json=event)),
        ("neither key nor token", 401, client.list()),
        ("a wrong key", 401, client.get(one, "no such key")),
        ("a wrong password", 400, client.login("by token", "another password")),
        ("healthz", 200, client.get("/healthz")), ("readyz", 200, client.get("/readyz")), ("the document", 200, client.get("/openapi.json"))]
    for what, status, answer in expected:
        is_prisms = "stoplight.io/prism" in answer.text and what != "neither key nor token"
        check(f"{what}: {status}", answer.status == status and not is_prisms, answer.text if answer.status != status else "")


def main(programs):
    lint(programs)
    with temporary_database() as database, tempfile.TemporaryDirectory() as directory:
        database.insert({"event_group": "g", "event_type": "t", "status": "success", "user_id": n % 3} for n in range(30))
        database.call("audit_grant_writer", database.frontend)
        secret_file = os.path.join(directory, "token_secret")
        with open(os.open(secret_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secret(secrets.token_urlsafe(48)))
        daemon = Daemon(database=database.conninfo(), token_secret_file=secret_file)
        prism = Prism(programs, daemon.client.url)
        try:
            through_prism(prism.client, database)
        finally:
            prism.stop()
            daemon.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
