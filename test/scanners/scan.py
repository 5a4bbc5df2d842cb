# Runs the scanners against a daemon of its own, and judges what they wrote.
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "http"), os.path.join(HERE, "..", "faults")]

from certificates import Authority  # noqa: E402  (after the path is set)
from daemon import Daemon  # noqa: E402
from database import temporary_database  # noqa: E402
from http_client import EVENTS, TOKEN  # noqa: E402
from load import Trail  # noqa: E402
from support import secret  # noqa: E402

DEADLINE_S = 240

failed = 0


def check(what, problems, seen=""):
    """Prints the line of a test that is good if there are no `problems`."""
    global failed
    failed += bool(problems)
    print(f"{'not ok' if problems else 'ok'} - {what}{': ' + seen if seen else ''}", flush=True)
    for problem in problems[:10]:
        print(f"# {problem}"[:300], flush=True)


# sqlmap

NOT_INJECTABLE = re.compile(r"(?:GET|POST|URI|\(custom\) \w+) parameter '([^']+)' does not seem to be injectable")
FOUND = re.compile(r"(parameter '[^']+' (?:is vulnerable|appears to be '[^']+' injectable|is '[^']+' injectable)"
                   r"|identified the following injection point)")


def judge_sqlmap(output, parameters):
    """What is wrong: something found, or a parameter that was not tested to the end."""
    tested = NOT_INJECTABLE.findall(output)
    return FOUND.findall(output) + [f"no verdict on {name!r}" for name in parameters if name not in tested]


def run_sqlmap(name, url, parameters, directory, *options):
    began_s = time.monotonic()
    command = ["sqlmap", "--batch", "--flush-session", "--disable-coloring", "--output-dir", directory, "--dbms",
               "PostgreSQL", "--threads", "4", "--time-sec", "2", "--ignore-code", "*", "-u", url, *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE_S,
                            stdin=subprocess.DEVNULL, env={**os.environ, "HOME": directory})
    check(f"sqlmap: {name}", judge_sqlmap(result.stdout, parameters),
          f"{len(parameters)} parameters, {time.monotonic() - began_s:.0f} s")


def scan_for_injections(daemon, trail, directory):
    key = ["--headers", f"X-API-Key: {trail.key}"]
    query = {"event_group": "g", "event_type": "t", "status": "s", "user_id": "1", "vm_id": "v", "session_id": "s",
             "limit": "5", "since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z", "actor_type": "u", "actor_id": "a", "source": "s",
             "resource_type": "t", "ip_address": "10.0.0.0/8", "resource_id": "r", "request_id": "q", "correlation_id": "c", "task_id": "1"}
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    base = daemon.client.url
    run_sqlmap("GET events", f"{base}{EVENTS}?{pairs}", list(query), directory, *key)
    cursor = daemon.client.list(trail.key, limit=5).json()["next_cursor"]
    run_sqlmap("GET events, cursor", f"{base}{EVENTS}?cursor={cursor}&limit=5", ["cursor"], directory, "-p", "cursor", *key)
    one = trail.pages[1][0]
    run_sqlmap("GET event by id", f"{base}{EVENTS}/{one}*", ["#1*"], directory, *key)
    run_sqlmap("X-API-Key", f"{base}{EVENTS}", ["X-API-Key #1*"], directory, "--headers", "X-API-Key: wrong*")
    run_sqlmap("POST token", f"{base}{TOKEN}", ["username", "password"], directory, "--data",
               "grant_type=password&username=scanned&password=wrong", "-p", "username,password")


# testssl.sh

GOOD_ENOUGH = {"OK", "INFO", "LOW"}
# The certificate is the test's own, of an authority that publishes no revocations. test/http/test_tls.py
# tests whether clients may renegotiate: testssl.sh takes it for granted where `openssl s_client` ends with 0. That also happens
# on a busy machine, when the input ends between the daemon's close_notify and the end of the connection.
# engine_problem: the scanner's own OpenSSL has no GOST.
NOT_THE_DAEMONS = {"cert_revocation", "secure_client_renego", "engine_problem"}


def judge_testssl(findings):
    """What is wrong: a finding of weight, or no sign that the scan was made."""
    bad = [f"{one['severity']} {one['id']}: {one['finding']}" for one in findings
           if one["severity"] not in GOOD_ENOUGH and one["id"] not in NOT_THE_DAEMONS]
    seen = {one["id"]: one["finding"] for one in findings}
    expected = {"TLS1_3": "offered", "TLS1_2": "offered", "TLS1_1": "not offered", "heartbleed": "not vulnerable"}
    return bad + [f"{name}: {seen.get(name)!r}" for name, finding in expected.items()
                  if not seen.get(name, "").startswith(finding)]


def scan_tls(database, directory):
    authority = Authority()
    certificate, key = authority.issue("localhost", to_day=200)
    paths = {}
    for name, content in (("ca", authority.pem), ("certificate", certificate), ("key", key)):
        paths[name] = os.path.join(directory, name + ".pem")
        with open(os.open(paths[name], os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
    daemon = Daemon(database=database.conninfo(), tls_certificate_file=paths["certificate"], tls_key_file=paths["key"])
    began_s = time.monotonic()
    findings = os.path.join(directory, "testssl.json")
    try:
        subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca",
                        paths["ca"], "--jsonfile", findings, "-p", "-S", "-P", "-f", "-U", "-h",
                        f"localhost:{daemon.client.address[1]}"], capture_output=True, check=False, timeout=600,
                       stdin=subprocess.DEVNULL)
    finally:
        daemon.stop()
    with open(findings, encoding="utf-8") as file:
        found = json.load(file)
    check("testssl.sh", judge_testssl(found), f"{len(found)} findings, {time.monotonic() - began_s:.0f} s")


def main():
    with temporary_database() as database, tempfile.TemporaryDirectory() as directory:
        trail = Trail(database)
        database.create_user("scanned", "a password that nobody guesses")
        secret_file = os.path.join(directory, "token_secret")
        with open(os.open(secret_file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(secret(secrets.token_urlsafe(48)))
        daemon = Daemon(database=database.conninfo(), token_secret_file=secret_file, login_attempts=1000000,
                        address_requests_per_s=0, principal_requests_per_s=0)
        began_s = time.monotonic()
        try:
            scan_for_injections(daemon, trail, directory)
            errors = [line for line in daemon.log.splitlines() if " error " in line]
            check("no error in the daemon's log", errors)
        finally:
            daemon.stop()
        scan_tls(database, directory)
        print(f"scanners: {time.monotonic() - began_s:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
