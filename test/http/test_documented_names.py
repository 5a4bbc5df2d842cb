# What the code has and what the documents name are the same: functions, tables, settings, metrics, routes, types of errors.
import glob
import os
import re

import pytest

from support import REPOSITORY
from test_documentation import DOCUMENTS, read

SOURCES = [os.path.relpath(path, REPOSITORY) for wing in ("src", "http_frontend", "sql", "scripts")
           for path in glob.glob(os.path.join(REPOSITORY, wing, "**"), recursive=True)
           if os.path.isfile(path) and not path.endswith((".o", ".d", ".so", ".bc"))]


def source_text(*wings):
    return "\n".join(read(path) for path in SOURCES if path.startswith(wings) and "/build/" not in path)


def document_text():
    return "\n".join(read(path) for path in DOCUMENTS + [os.path.join("docs", "audit_httpd.8")])


def section(document, heading):
    text = read("docs", document)
    return re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,3}} |\Z)", text, re.DOTALL | re.MULTILINE)[2]


def table_rows(text):
    """The cells of all tables, without their heads."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| ")]
    return [row for number, row in enumerate(rows) if row[0] != "---" and (number + 1 >= len(rows) or rows[number + 1][0] != "---")]


def code_words(text):
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture(scope="module")
def functions(scratch):
    """The extension's functions: the names of their arguments by their own."""
    return dict(scratch.execute(
        "SELECT p.proname, (coalesce(p.proargnames, '{}'))[1:p.pronargs] FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid "
        "JOIN pg_extension e ON e.oid = d.refobjid WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' "
        "AND e.extname = 'audit_ext'"))


@pytest.fixture(scope="module")
def relations(scratch):
    return {name for name, in scratch.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.objid = c.oid JOIN pg_extension e ON e.oid = d.refobjid "
        "WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind <> 'S' AND e.extname = 'audit_ext'")}


def test_every_function_and_table_is_described(functions, relations):
    described = set(re.findall(r"\baudit_\w+", read("docs", "sql_api.md")))
    assert (set(functions) | relations) - described == set()


def test_every_function_that_is_called_exists(functions):
    called = set(re.findall(r"\b(audit_[a-z_]+)\(", document_text()))
    assert called - set(functions) == set()


def test_arguments_are_those_of_the_functions(functions):
    text = re.sub(r"^```.*?^```$", "", read("docs", "sql_api.md"), flags=re.DOTALL | re.MULTILINE)
    shown = [(name, [argument.split()[0] for argument in arguments.split(", ")])
             for name, arguments in re.findall(r"\b(audit_[a-z_]+)\(([a-z_]+(?: [a-z]+)?(?:, [a-z_]+)*)\)", text)]
    assert len(shown) > 10
    assert [(name, arguments) for name, arguments in shown if arguments != functions[name]] == []


def test_every_name_is_somewhere_in_the_code(functions, relations):
    names = set(re.findall(r"\baudit_[a-z_]*[a-z]\b", re.sub(r"\]\([^)]*\)", "]", document_text())))
    code = source_text("src", "http_frontend", "sql", "scripts") + read("Makefile")
    # Those of examples: a role, a unit of systemd, a partition.
    examples = {"audit_maintainer", "audit_maintain", "audit_test"}
    assert {name for name in names - set(functions) - relations - examples if not re.search(rf"\b{name}", code)} == set()


@pytest.mark.parametrize("view, statement", [
    ("audit_status", "SELECT attname FROM pg_attribute WHERE attrelid = 'audit_status'::regclass AND attnum > 0"),
    ("audit_explain", "SELECT name FROM audit_explain()")])
def test_columns_and_rows_that_are_described(scratch, view, statement):
    text = read("docs", "sql_api.md")
    table = text[text.index("**`audit_status`** shows" if view == "audit_status" else "### audit_explain"):].split("\n\n")[1:3]
    described = {word for row in table_rows("\n".join(table)) for word in code_words(row[0])}
    assert described == {name for name, in scratch.execute(statement)}


def test_settings_of_the_extension(scratch):
    described = {code_words(row[0])[0]: row[1].strip("`") for row in table_rows(section("operations.md", "Settings of the extension"))}
    assert set(described) == set(re.findall(r'"(audit_ext\.[a-z_]+)"', source_text("src")))
    assert set(re.findall(r"\baudit_ext\.(?!control|so)[a-z_]+", document_text())) <= set(described)
    scratch.execute("LOAD 'audit_ext'")
    defaults = dict(scratch.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name LIKE 'audit_ext.%' "
                                    "AND source = 'default' AND name <> 'audit_ext.maintenance_database'"))
    assert len(defaults) >= 4
    assert {name: described[name].replace(" ", "") for name in defaults} == defaults


def test_metrics(start_daemon, database):
    daemon = start_daemon(database=database.conninfo(), admin_listen="127.0.0.1:0")
    assert daemon.client.get("/no/such/path").status == 404
    scraped = daemon.admin.get("/metrics").text
    # A family shows once something was counted.
    present = {name: set() for name in re.findall(r'"(audit_(?:httpd|trail)_[a-z_]+)"', read("http_frontend", "watch", "metrics.cpp"))}
    for name, labels in re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?\{(.*)\} ", scraped, re.MULTILINE):
        present[name] |= set(re.findall(r'(\w+)="', labels)) - {"le"}
    described = {code_words(row[0])[0]: set(code_words(row[1])) for row in table_rows(section("operations.md", "Metrics"))
                 if row[0].startswith("`audit_")}
    assert set(described) == set(present)
    assert {name: labels for name, labels in present.items() if labels - described[name]} == {}


def test_reasons_of_rejections():
    code = source_text("http_frontend")
    present = set(re.findall(r'unavailable_problem\([^;]*?, "([a-z_]+)"\)', code)) | set(re.findall(r'rejection = "([a-z_]+)"', code))
    text = section("operations.md", "Metrics")
    assert {code_words(row[0])[0] for row in table_rows(text[text.index("| `reason` of a rejection"):])} == present


def test_routes():
    present = set(re.findall(r'\.method = "([A-Z]+)",\s*\.path = "(/[^"]*)"', source_text("http_frontend")))
    assert len(present) >= 8
    tables = read("docs", "http_api.md").split("## Who is asking")[0] + section("operations.md", "Health")
    described = {tuple(word.split()) for row in table_rows(tables) for word in code_words(row[0]) if word.startswith(("GET ", "POST "))}
    assert described == present


def test_types_of_errors():
    described = {word for heading in ("Wrong parameters", "Recording events")
                 for row in table_rows(section("http_api.md", heading)) for word in code_words(row[0])
                 if re.fullmatch(r"[a-z_]+", word)}
    assert len(described) > 20
    assert {word for word in described if f'"{word}"' not in source_text("http_frontend", "src")} == set()
    # user_id is the one that is a 403.
    of_events = set(re.findall(r'return \{"([a-z_]+)", ', read("src", "pg", "writing", "event_problems.cpp"))) - {"user_id"}
    assert len(of_events) > 15 and of_events <= described
