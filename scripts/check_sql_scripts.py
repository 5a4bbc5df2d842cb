#!/usr/bin/python3
"""Checks the extension's SQL scripts for what makes one unsafe or unfinished. These are the install script, as make joins
it from the parts in sql/, and the scripts of updates.

They run as superuser in a database that others may write to. So nothing in them may be found through a search_path
that those others fill. Every function is documented, and closed to the public.

Code that runs with others' rights must find only the extension's objects. So SECURITY DEFINER is for two kinds of functions.
Those in C find the objects by OID. Bodies in BEGIN ATOMIC are bound when they are created, after the script has set a
search_path of pg_catalog alone. Text that is run with EXECUTE quotes what it is made of. This check reads the scripts' text. It
proves nothing of what C does, nor of functions with the caller's rights, which name the extension's objects as text.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LONGEST_LINE = 120
# A whole statement: dollar quotes, strings, comments and bodies may hold semicolons.
STATEMENT = re.compile(r"(?:\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|\bBEGIN ATOMIC\b.*?\nEND\b|[^;])+?;", re.S)
SKIPPED = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/|\\[^\n]*\n)+", re.S)


def statements(text):
    for match in STATEMENT.finditer(text):
        yield SKIPPED.sub("", match.group())


def function_problems(name, statement):
    language = language_of(statement)
    if language is None:
        yield f"{name} has no LANGUAGE"
    elif language in ("sql", "plpgsql"):
        if not re.search(r"SET search_path = pg_catalog, pg_temp\b|\bBEGIN ATOMIC\b", statement):
            yield f"{name} has neither SET search_path = pg_catalog, pg_temp nor BEGIN ATOMIC"


def rights_problems(name, statement):
    is_bound = language_of(statement) == "c" or "BEGIN ATOMIC" in statement
    if re.search(r"\bSECURITY DEFINER\b", statement) and not is_bound:
        yield f"{name} is SECURITY DEFINER with a body that names objects as text: use BEGIN ATOMIC or C"
    if re.search(r"\bEXECUTE\s+(?!FUNCTION|PROCEDURE|(pg_catalog\.)?format\(|ON\b|')\S", statement) and "plpgsql" in statement:
        yield f"{name} runs text that is not made by format()"


def language_of(statement):
    language = re.search(r"\bLANGUAGE\s+(\w+)", statement, re.I)
    return language[1].lower() if language else None


def script_problems(text, is_update):
    head = "\n".join(text.splitlines()[:3])
    if not re.search(r"^\\echo Use .*\\quit$", head, re.M):
        yield 'the first three lines have no \\echo Use "..." ... \\quit, which stops a script fed to psql'
    first, *others = statements(text)
    if first != "SET LOCAL search_path = pg_catalog, pg_temp;":
        yield "does not begin by SET LOCAL search_path = pg_catalog, pg_temp, before BEGIN ATOMIC binds names"
    for statement in others:
        first_line = statement.splitlines()[0]
        if not is_update and re.search(r"\A\w[\w\s]*\b(OR REPLACE|IF NOT EXISTS)\b", statement):
            yield f"takes over an object that another role may have put there: {first_line}"
        if re.match(r"CREATE\s+(OR REPLACE\s+)?(FUNCTION|PROCEDURE|TABLE|VIEW|TYPE|SEQUENCE|AGGREGATE)\s+(?!@extschema@\.)", statement):
            yield f"makes an object outside of @extschema@: {first_line}"
    for name, statement in functions(text):
        yield from function_problems(name, statement)
        yield from rights_problems(name, statement)
    yield from documentation_problems(text)
    yield from closing_problems(text, is_update)


def functions(text):
    """Those that a statement of the script makes, or a statement within a DO block."""
    for statement in statements(text):
        for created in re.split(r"(?=CREATE\s+(?:OR REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s)", statement):
            if match := re.match(r"CREATE\s+(?:OR REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+@extschema@\.(\w+)", created):
                yield match[1], created


def documentation_problems(text):
    created = [name for name, _ in functions(text)]
    commented = dict(re.findall(r"^COMMENT ON (?:FUNCTION|PROCEDURE) @extschema@\.(\w+)(\()?", text, re.M))
    for name in sorted(set(created)):
        if name not in commented:
            yield f"{name} has no COMMENT"
        elif commented[name] and created.count(name) == 1:
            yield f"the COMMENT of {name} names argument types that it does not need"


def closing_problems(text, is_update):
    """An install script ends by closing all that there is; an update closes what it makes."""
    if is_update:
        closed = {name for statement in statements(text) if re.match(r"REVOKE ALL ON \w+\b.*FROM PUBLIC", statement, re.S)
                  for name in re.findall(r"@extschema@\.(\w+)", statement)}
        for name in sorted({name for name, statement in functions(text) if "OR REPLACE" not in statement} - closed):
            yield f"{name} is not in a REVOKE ALL ON FUNCTION ... FROM PUBLIC"
    elif "REVOKE ALL ON %s %s FROM PUBLIC" not in list(statements(text))[-1]:
        yield "does not end by REVOKE ALL ON ... FROM PUBLIC for all that the extension has"


def parts():
    """The files that make joins, in its order."""
    named = re.search(r"^parts = ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.M)[1].replace("\\\n", " ").split()
    return [ROOT / "sql" / f"{name}.sql" for name in named]


def main():
    files = sorted((ROOT / "sql").glob("*.sql"))
    updates = [path for path in files if path.stem.count("--") == 2]
    problems = [f"{path.name}:{number}: {len(line)} columns, more than {LONGEST_LINE}" for path in files
                for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > LONGEST_LINE]
    if set(files) != set(parts()) | set(updates):
        problems.append("the parts in sql/ are not those that the Makefile names")
    install = "".join(path.read_text() for path in parts())
    problems += [f"sql/: {problem}" for problem in script_problems(install, is_update=False)]
    for path in updates:
        problems += [f"{path.name}: {problem}" for problem in script_problems(path.read_text(), is_update=True)]
    if not list(functions(install)):
        problems.append("sql/ makes no function: this check is broken")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
