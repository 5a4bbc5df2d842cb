# gzip for clients that accept it, and for no others.
import gzip

import pytest

from http_client import EVENTS


def ask(client, auth, target, accept, method="GET"):
    headers = {**auth, **({} if accept is None else {"Accept-Encoding": accept})}
    return client.send(target, method, headers)


@pytest.mark.parametrize("accept", ["gzip", "br, gzip;q=0.5", "*"])
def test_compressed_pages(client, auth, accept):
    target = EVENTS + "?limit=100"
    plain = ask(client, auth, target, None)
    packed = ask(client, auth, target, accept)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    for name in ("Content-Type", "Cache-Control", "Link", "Vary"):
        assert packed.headers[name] == plain.headers[name]
    head = ask(client, auth, target, accept, "HEAD")
    assert (head.headers["Content-Encoding"], head.headers["Content-Length"]) == ("gzip", str(len(packed.body)))


@pytest.mark.parametrize("accept", [None, "", "identity", "br", "gzip;q=0", "*;q=0"])
def test_uncompressed_pages(client, auth, accept):
    answer = ask(client, auth, EVENTS + "?limit=100", accept)
    assert answer.headers["Content-Encoding"] is None
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(answer.ids) == 100


@pytest.mark.parametrize("target", ["/healthz", EVENTS + "?limit=0", EVENTS + "?vm_id=none", "/no/such/path"])
def test_small_answers_and_errors_are_not_compressed(client, auth, target):
    answer = ask(client, auth, target, "gzip")
    assert answer.headers["Content-Encoding"] is None
    assert answer.json() is not None


def test_switched_off(start_daemon, database, secret_file, auth):
    client = start_daemon(database=database.conninfo(), token_secret_file=secret_file, gzip_min_bytes=0).client
    answer = ask(client, auth, EVENTS + "?limit=100", "gzip")
    assert answer.headers["Content-Encoding"] is None
    assert answer.headers["Vary"] is None
    assert len(answer.ids) == 100
