# The database's encoding must be UTF8, in which all that callers send can be held.
import pytest
from psycopg2 import sql

from contract import together, walk
from daemon import run
from http_client import EVENTS
from support import eventually
from test_configuration import assert_refused


@pytest.fixture(params=["LATIN1", "EUC_JP", "SQL_ASCII"])
def other(scratch, request):
    """A database of another encoding."""
    name = f"{scratch.name}_{request.param.lower()}"
    scratch.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING %s LOCALE 'C'").format(sql.Identifier(name)), (request.param,))
    yield name, request.param
    scratch.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_other_encoding_is_refused_at_the_start(scratch, other):
    name, encoding = other
    result = run("--listen", "127.0.0.1:0", "--database", scratch.conninfo(dbname=name))
    assert_refused(result, "--database")
    assert encoding in result.stderr and "UTF8" in result.stderr


def test_other_encoding_that_comes_later(scratch, other, start_daemon):
    """The name that the daemon was given is another database then."""
    name, _encoding = other
    later = scratch.name + "_later"
    daemon = start_daemon(database=scratch.conninfo(dbname=later))
    assert daemon.client.get("/readyz").json()["detail"] == "Database unavailable"
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    scratch.execute(rename.format(sql.Identifier(name), sql.Identifier(later)))
    try:
        eventually(lambda: daemon.client.get("/readyz").json()["detail"] == "The database's encoding is not UTF8", "it says why")
        assert daemon.client.get("/readyz").status == 503
        assert daemon.client.list("some key").status == 503
        assert "dump it into a database made with ENCODING 'UTF8'" in daemon.log
    finally:
        daemon.stop()
        scratch.execute(rename.format(sql.Identifier(later), sql.Identifier(name)))


@pytest.mark.parametrize("text", ["日", "\u0100", "🙂", "\U0010ffff", "é", "e\u0301", "\u200f"])
def test_any_character_can_be_recorded_and_found(scratch, start_daemon, text):
    scratch.call("audit_grant_writer", scratch.frontend)
    key = scratch.create_api_key(f"writes {text!r}", scopes=["audit:read", "audit:write"])
    client = start_daemon(database=scratch.conninfo()).client
    assert together(walk(client, key, event_type=text)) == []
    answer = client.request("POST", EVENTS, key, json={"event_group": "g", "event_type": text})
    assert answer.status == 201
    assert together(walk(client, key, event_type=text)) == answer.json()["ids"]
