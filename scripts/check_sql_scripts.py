#!/usr/bin/python3
"""Checks the extension's SQL scripts for what makes one unsafe or unfinished.

They run as superuser in a database that others may write to, so nothing in them may be found through a search_path
that those others fill; and every function is documented, and closed to the public.
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
    if re.search(r"\bSECURITY DEFINER\b", statement) and "SET search_path" not in statement:
        yield f"{name} is SECURITY DEFINER without SET search_path"


def script_problems(path, text):
    head = "\n".join(text.splitlines()[:3])
    if not re.search(r"^\\echo Use .*\\quit$", head, re.M):
        yield 'the first three lines have no \\echo Use "..." ... \\quit, which stops a script fed to psql'
    is_update = path.stem.count("--") == 2
    for statement in statements(text):
        first = statement.splitlines()[0]
        if not is_update and re.search(r"\A\w[\w\s]*\b(OR REPLACE|IF NOT EXISTS)\b", statement):
            yield f"takes over an object that somebody may have put there: {first}"
        if re.match(r"CREATE\s+(OR REPLACE\s+)?(FUNCTION|PROCEDURE|TABLE|VIEW|TYPE|SEQUENCE|AGGREGATE)\s+(?!@extschema@\.)", statement):
            yield f"makes an object outside of @extschema@: {first}"
        function = re.match(r"CREATE\s+(?:OR REPLACE\s+)?FUNCTION\s+@extschema@\.(\w+)", statement)
        if function:
            yield from function_problems(function[1], statement)


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
    problems += documentation_problems("\n".join(scripts.values()))
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
