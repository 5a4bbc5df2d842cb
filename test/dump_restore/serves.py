#!/usr/bin/python3
"""serves.py DATABASE KEYS: whether the daemon serves and records on a restored trail, with the users and keys that came with it.

KEYS are the API keys that fill.sql prints: one that reads and writes everything, one with a reader's database role, and a
revoked one. Exit status 1, and why, if not.
"""
import contextlib
import os
import secrets
import sys
import tempfile

import psycopg2
from psycopg2.extensions import make_dsn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "http"))

from daemon import Daemon  # noqa: E402  (after the path is set)
from http_client import EVENTS  # noqa: E402

FRONTEND = "audit_dump_frontend"


def frontend_of(database):
    """Its connection string. Roles are not in a dump, nor are their passwords."""
    password = secrets.token_urlsafe(18)
    with contextlib.closing(psycopg2.connect(dbname=database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER ROLE {FRONTEND} PASSWORD %s", (password,))
        return make_dsn(host=connection.info.host, port=connection.info.port, dbname=database, user=FRONTEND, password=password)


def check(client, all_key, reader_key, revoked_key):
    events = client.list(all_key, limit=200).json()["items"]
    assert len(events) == 200, len(events)
    assert client.get(f"{EVENTS}/{events[0]['id']}", all_key).json() == events[0]

    seen = client.list(reader_key, limit=200).json()["items"]
    assert seen and all(event["user_id"] % 2 == 0 and event["event_group"] != "g1" for event in seen), "policies count"
    assert client.get(EVENTS, revoked_key).status == 401
    token = client.token("alice", "correct horse")
    assert client.list(token=token).json()["items"] == [], "her own events have an odd user_id"

    new = {"event_group": "served", "event_type": "t", "user_id": 2}
    answer = client.request("POST", EVENTS, all_key, json=[new, {**new, "created_at": "2025-01-20T00:00:00Z"}])
    assert answer.status == 201, answer.text
    recorded = answer.json()["ids"]
    assert client.list(reader_key, event_group="served").ids == recorded
    assert client.request("POST", EVENTS, reader_key, json=new).status == 403


def main():
    database, *keys = sys.argv[1:]
    with tempfile.NamedTemporaryFile() as secret_file:
        secret_file.write(secrets.token_bytes(48))
        secret_file.flush()
        daemon = Daemon(database=frontend_of(database), token_secret_file=secret_file.name)
        try:
            check(daemon.client, *keys)
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
