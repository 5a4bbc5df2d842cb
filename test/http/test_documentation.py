# The documents agree with each other, with the daemon, and with the files that they name.
import glob
import os
import re

import pytest

from daemon import run
from support import REPOSITORY, eventually
from test_reload import Service


def read(*path):
    with open(os.path.join(REPOSITORY, *path), encoding="utf-8") as file:
        return file.read()


DOCUMENTS = sorted(os.path.relpath(path, REPOSITORY) for pattern in ("*.md", "docs/*.md")
                   for path in glob.glob(os.path.join(REPOSITORY, pattern)))


def without_code_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", without_code_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code_blocks(read(document))):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
        assert os.path.exists(os.path.join(REPOSITORY, path)), target
        assert not anchor or anchor in anchors(read(path)), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_source_files_that_are_named_exist(document):
    present = {os.path.basename(path) for path in glob.glob(os.path.join(REPOSITORY, "**"), recursive=True)}
    named = re.findall(r"`([\w./-]+\.(?:cpp|hpp|py|sh|sql|json))`", without_code_blocks(read(document)))
    assert [path for path in named if os.path.basename(path) not in present] == []


@pytest.fixture(scope="module")
def manual():
    return read("docs", "audit_httpd.8").replace("\\-", "-")


@pytest.fixture(scope="module")
def defaults():
    """Of all options, as --help has them; None where there is none."""
    # CLI11 writes "--name NUMBER=8"; later versions "--name NUMBER [8]".
    found = re.findall(r"^ +(?:-h, *)?--([a-z-]+)(?: [A-Z]+\S*(?: in \[[^]]*\])?(?:=(\S+)| \[(\S+)\])| |$)",
                       run("--help").stdout, re.MULTILINE)
    return {name: default or later_default or None for name, default, later_default in found}


def test_manual_has_every_option(manual, defaults):
    names = set()
    for entry in manual.split("\n.TP\n"):
        names.update(re.findall(r"--([a-z-]+)", entry.split("\n", 1)[0]))
    assert names == set(defaults)


@pytest.fixture(scope="module")
def table():
    """The rows of the manual's table: {name: (default, values, what changes it)}."""
    rows = [line.split("\t") for line in run("--manual-table").stdout.replace("\\-", "-").splitlines()]
    return {name: row for name, *row in rows}


SETTINGS_OF_ONE_RUN = {"help", "version", "config", "check-config", "example-file", "manual-table"}


def test_table_of_the_manual_has_every_setting_with_its_default(table, defaults):
    assert {name: row[0] or None for name, row in table.items()} == {
        name: default for name, default in defaults.items() if name not in SETTINGS_OF_ONE_RUN}


def test_example_has_every_setting_with_its_default(defaults):
    example = dict(re.findall(r'^#([a-z-]+) = "?([^"\n]*)"?$', run("--example-file").stdout, re.MULTILINE))
    assert set(example) == set(defaults) - SETTINGS_OF_ONE_RUN
    assert {name: example[name] for name, default in defaults.items() if default is not None} == {
        name: default for name, default in defaults.items() if default is not None}


def test_settings_in_the_manuals_can_be_read(write_file):
    """Those of files that are not there are refused for that, once all else is understood."""
    examples = [text for text in re.findall(r"```ini\n(.*?)```", read("docs", "operations.md"), re.DOTALL) if "[Unit]" not in text]
    assert examples
    for text in examples:
        assert run("--check-config", "--config", write_file("audit_httpd.conf", text)).stderr.find("No such file") > 0, text


def test_grants_in_the_manual_are_those_of_the_extension(database):
    told = {}
    for kind, what in re.findall(r"^\| `audit_grant_(\w+)\(role\)` \|.*\| (.*) \|$", read("docs", "sql_api.md"), re.MULTILINE):
        privileges, names = re.match(r"`(\w+)` on `(\w+)`; (.*)", what).groups()[:2], re.findall(r"`(\w+)`", what)[2:]
        told[kind] = {privileges} | {("EXECUTE", name) for name in names}
    granted = {}
    for kind, privilege, name in database.execute("SELECT kind, privilege, object FROM audit_grants"):
        granted.setdefault(kind, set()).add((privilege, re.match(r"(?:\w+\.)?(\w+)", name)[1]))
    assert told == granted


def test_every_test_of_the_table_of_threats_exists():
    table = [line for line in read("docs", "security.md").splitlines() if line.startswith("| ")]
    named = {name for line in table for name in re.findall(r"`([a-z_]+/[A-Za-z_0-9.]+)(?:::(test_\w+))?`", line)}
    assert len(named) > 50
    for path, function in named:
        text = read("test", *path.split("/"))
        assert not function or f"\ndef {function}(" in text, (path, function)


def test_settings_that_need_a_restart_are_those_that_the_manuals_name(table, defaults, start_daemon, write_file, database):
    def named(text, begin, word):
        part = text[text.index(begin) + len(begin):]
        patterns = [name.replace("*", ".*") for name in re.findall(word, part[:part.index("TLS")])]
        return {name for name in defaults for pattern in patterns if re.fullmatch(pattern, name)}

    told = {name for name, row in table.items() if row[2] == "restart"}
    assert told == named(read("docs", "operations.md"), "These change only with a restart", r"`([a-z-]+\*?)`")
    service = Service(start_daemon, write_file, database)
    changes = {name: int(default) - 1 for name, default in defaults.items() if default and default.isdigit()}
    service.reload(**changes, plain_http="anywhere", database=database.conninfo() + " connect_timeout=9")
    eventually(lambda: "settings reloaded" in service.daemon.log, "all changes are valid")
    warned = set(re.findall(r"--([a-z-]+): changes only with a restart", service.daemon.log))
    # Those left out are texts: addresses, which the daemon of a test has by flag, and the identity provider's.
    assert warned == {name for name in told if name in changes or name in ("plain-http", "database")}


def test_default_that_is_made_explicit_is_no_change(start_daemon, write_file, database, defaults):
    service = Service(start_daemon, write_file, database)
    service.reload(pool_size=defaults["pool-size"], idp_algorithms=defaults["idp-algorithms"])
    assert "restart" not in service.daemon.log
