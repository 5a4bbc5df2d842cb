# GET /openapi.json: the published contract and what was added to it, and nothing else.
import json
import re

import jsonschema
import pytest

from contract import OPENAPI
from http_client import EVENTS, TOKEN


@pytest.fixture(scope="module")
def served(client):
    answer = client.get("/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.json()


def test_served_without_credentials_and_the_same_to_all(client, key, served):
    assert client.get("/openapi.json", key).json() == served


def missing(published, served, place=""):
    """What of `published` is not in `served`: members may be added, lists only be continued."""
    if isinstance(published, dict) and isinstance(served, dict):
        for name, value in published.items():
            if name not in served:
                yield f"{place}/{name}"
            else:
                yield from missing(value, served[name], f"{place}/{name}")
    elif isinstance(published, list) and isinstance(served, list) and len(served) >= len(published):
        for index, value in enumerate(published):
            yield from missing(value, served[index], f"{place}/{index}")
    elif published != served:
        yield f"{place}: {json.dumps(published)} is {json.dumps(served)}"


def test_contains_the_contract(served):
    # An API key is a second way in, so the list of ways may grow; the title and version are the product's.
    published = json.loads(json.dumps(OPENAPI))
    assert list(missing(published["paths"], served["paths"])) == []
    assert list(missing(published["components"], served["components"])) == []
    assert served["openapi"] == published["openapi"]


def test_published_responses_are_unchanged(served):
    """Never another member in these bodies: the schemas are equal, not just contained."""
    for status in ("200", "422"):
        published, actual = (document["paths"][EVENTS]["get"]["responses"][status] for document in (OPENAPI, served))
        published, actual = (answer["content"]["application/json"]["schema"] for answer in (published, actual))
        if "$ref" in actual:
            pytest.fail("the published schema is inline")
        assert actual == published


def test_parameters(served):
    published = OPENAPI["paths"][EVENTS]["get"]["parameters"]
    actual = served["paths"][EVENTS]["get"]["parameters"]
    names = [parameter["name"] for parameter in actual]
    assert [parameter["name"] for parameter in published] == names[:len(published)]
    assert names[len(published):][:2] == ["since", "until"]
    for parameter in actual[len(published):][:2]:
        assert parameter["in"] == "query" and not parameter.get("required", False)
        assert "date-time" in json.dumps(parameter["schema"])


def test_token_url_and_added_paths(served):
    flow = served["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]
    assert flow["tokenUrl"] == TOKEN
    assert {(path, method) for path, item in served["paths"].items() for method in item if method != "parameters"} >= {
        (EVENTS, "get"), (EVENTS, "post"), (EVENTS + "/{event_id}", "get"), (TOKEN, "post"), ("/healthz", "get"), ("/readyz", "get"),
        ("/openapi.json", "get")}


def test_every_path_that_it_names_exists(client, key, served):
    for path, item in served["paths"].items():
        for method in item:
            if method == "parameters":
                continue
            target = re.sub(r"\{[^}]*\}", "018df0c8-0000-7000-8000-000000000000", path)
            answer = client.request(method.upper(), target, key)
            assert answer.status != 405 and answer.text != '{"detail":"Not Found"}' or "{" in path, (method, path)


OPEN = {("/healthz", "get"), ("/readyz", "get"), ("/openapi.json", "get"), (TOKEN, "post")}


def operations(served):
    return [(path, method, item[method]) for path, item in served["paths"].items() for method in item if method != "parameters"]


def test_every_operation_says_who_may_call_it(served):
    """A key is an alternative to a token wherever credentials are needed. A validating proxy goes by this."""
    schemes = served["components"]["securitySchemes"]
    assert schemes["ApiKey"]["type"] == "apiKey" and (schemes["ApiKey"]["in"], schemes["ApiKey"]["name"]) == ("header", "X-API-Key")
    assert set(schemes) == {"OAuth2PasswordBearer", "ApiKey"}
    assert "security" not in served
    for path, method, operation in operations(served):
        expected = [] if (path, method) in OPEN else [{"OAuth2PasswordBearer": []}, {"ApiKey": []}]
        assert operation["security"] == expected, (path, method)
        if expected:
            assert {"401", "403", "429", "503", "504"} <= set(operation["responses"]), (path, method)


def test_what_it_says_is_open_is_open_and_nothing_else(client, served):
    for path, method, operation in operations(served):
        answer = client.request(method.upper(), path.replace("{event_id}", "018df0c8-0000-7000-8000-000000000000"))
        assert (answer.status == 401) == bool(operation["security"]), (path, method, answer.status)


def test_servers_and_license(served):
    assert [server["url"] for server in served["servers"]] == ["/"], "the paths are as they are at the daemon, or the proxy before it"
    assert served["info"]["license"] == {"name": "PostgreSQL License", "identifier": "PostgreSQL"}


def test_references_resolve_and_schemas_are_schemas(served):
    def visit(node, name=""):
        if isinstance(node, list):
            for part in node:
                visit(part)
        elif isinstance(node, dict):
            if "$ref" in node:
                target = served
                for step in node["$ref"].removeprefix("#/").split("/"):
                    target = target[step.replace("~1", "/")]
            if "schema" in node and isinstance(node["schema"], dict):
                jsonschema.Draft202012Validator.check_schema(node["schema"])
            for part_name, part in node.items():
                visit(part, part_name)
    visit(served)
    ids = [item[method]["operationId"] for item in served["paths"].values() for method in item
           if method != "parameters" and "operationId" in item[method]]
    assert len(ids) == len(set(ids))
