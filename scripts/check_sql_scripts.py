#!/usr/bin/python3
"""Checks the extension's SQL scripts for what makes one unsafe or unfinished.

They run as superuser in a database that others may write to, so nothing in them may be found through a search_path
that those others fill; and every function is documented, and closed to the public.

Code that runs with others' rights must not be led to objects of somebody else's: SECURITY DEFINER is for C, which finds the
extension's objects by OID, and for bodies in BEGIN ATOMIC, which are bound when they are made, after the script has set a
search_path of pg_catalog alone. Text that is run with EXECUTE quotes what it is made of. This looks at the scripts' text: it
proves nothing of what C does, and nothing of functions that run with the caller's rights, which name our objects as text.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Evaluated in the index expressions of audit_events, with the rights of whoever writes.
OPEN_TO_PUBLIC = {"audit_id_matches"}
# A whole statement: dollar quotes, strings and comments may hold semicolons.
STATEMENT = re.compile(r"(?:\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|[^;])+;", re.S)
SKIPPED = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/|\\[^\n]*\n)+", re.S)


def statements(text):
    for match in STATEMENT.finditer(text):
        yield SKIPPED.sub("", match.group())


def function_problems(name, statement):
    language = re.search(r"\bLANGUAGE\s+(\w+)", statement, re.I)
    if language is None:
        yield f"{name} has no LANGUAGE"
    elif language[1].lower() in ("sql", "plpgsql"):
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


def script_problems(path, text):
    head = "\n".join(text.splitlines()[:3])
    if not re.search(r"^\\echo Use .*\\quit$", head, re.M):
        yield 'the first three lines have no \\echo Use "..." ... \\quit, which stops a script fed to psql'
    is_update = path.stem.count("--") == 2
    if is_update and "SET LOCAL search_path = pg_catalog, pg_temp;" not in text[:1000]:
        yield "does not begin by SET LOCAL search_path = pg_catalog, pg_temp, before BEGIN ATOMIC binds names"
    for statement in statements(text):
        first = statement.splitlines()[0]
        if not is_update and re.search(r"\A\w[\w\s]*\b(OR REPLACE|IF NOT EXISTS)\b", statement):
            yield f"takes over an object that somebody may have put there: {first}"
        if re.match(r"CREATE\s+(OR REPLACE\s+)?(FUNCTION|PROCEDURE|TABLE|VIEW|TYPE|SEQUENCE|AGGREGATE)\s+(?!@extschema@\.)", statement):
            yield f"makes an object outside of @extschema@: {first}"
        function = re.match(r"CREATE\s+(?:OR REPLACE\s+)?FUNCTION\s+@extschema@\.(\w+)", statement)
        if function:
            yield from function_problems(function[1], statement)


def last_definitions(texts):
    """What a function is when the scripts have run one after the other; of overloads the last one."""
    definitions = {}
    for statement in (statement for text in texts for statement in statements(text)):
        if created := re.match(r"CREATE\s+(?:OR REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+@extschema@\.(\w+)", statement):
            definitions[created[1]] = statement
        if statement.startswith("DROP FUNCTION"):
            for name in re.findall(r"@extschema@\.(\w+)", statement):
                definitions.pop(name, None)
    return definitions


def documentation_problems(text):
    created, commented, revoked = set(), set(), set(OPEN_TO_PUBLIC)
    for statement in statements(text):
        created.update(re.findall(r"\ACREATE\s+(?:OR REPLACE\s+)?FUNCTION\s+@extschema@\.(\w+)", statement))
        commented.update(re.findall(r"\ACOMMENT ON FUNCTION\s+@extschema@\.(\w+)", statement))
        if re.match(r"REVOKE ALL ON FUNCTION\b.*FROM PUBLIC", statement, re.S):
            revoked.update(re.findall(r"@extschema@\.(\w+)", statement))
    if not created:
        yield "sql/ creates no function: this check is broken"
    for name in sorted(created - commented):
        yield f"{name} has no COMMENT"
    for name in sorted(created - revoked):
        yield f"{name} is not in a REVOKE ALL ON FUNCTION ... FROM PUBLIC"


def main():
    scripts = {path: path.read_text() for path in sorted((ROOT / "sql").glob("audit_ext--*.sql"))}
    problems = [f"{path.name}: {problem}" for path, text in scripts.items() for problem in script_problems(path, text)]
    in_order = [text for path, text in sorted(scripts.items(), key=lambda script: script[0].stem.count("--"))]
    for name, statement in last_definitions(in_order).items():
        problems += rights_problems(name, statement)
    problems += documentation_problems("\n".join(scripts.values()))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
