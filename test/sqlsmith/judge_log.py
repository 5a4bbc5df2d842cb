#!/usr/bin/python3
"""judge_log.py FILE...: what a server's JSON log says of sessions that crashed, and of errors of the class XX ("internal error") that
are ours. Prints each of these; exit status 1 if there is one.

PostgreSQL's own functions raise XX000, too, for arguments that only chance comes up with. An error is ours where it was raised
in the extension's source, below one of its functions, or by a statement that calls one.
"""
import json
import re
import sys

CRASH = re.compile(r"was terminated by signal|PANIC|TRAP:|terminating connection because of crash")
CALL_OF_OURS = re.compile(r"audit_\w+\s*\(")
# Raised while a statement is parsed, before a function runs; the last one by pg_stop_making_pinned_objects().
NOT_OURS = ("failed to find conversion function", "invalid INTERVAL typmod", "cannot advance OID counter anymore")


def entries(paths):
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                yield json.loads(line)


def is_crash(entry):
    return entry["error_severity"] == "PANIC" or CRASH.search(entry.get("message", ""))


def is_our_internal_error(entry):
    if not entry.get("state_code", "").startswith("XX"):
        return False
    if entry.get("file_name", "").endswith(".cpp") or "audit_" in entry.get("context", ""):
        return True
    return bool(CALL_OF_OURS.search(entry.get("statement", ""))) and not entry["message"].startswith(NOT_OURS)


def main():
    count = 0
    found = []
    for entry in entries(sys.argv[1:]):
        count += 1
        if is_crash(entry) or is_our_internal_error(entry):
            found.append(entry)
    for entry in found:
        print(json.dumps({name: value for name, value in entry.items()
                          if name in ("message", "detail", "context", "statement", "file_name", "file_line_num", "state_code")}))
    assert count > 0, "an empty log proves nothing"
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
