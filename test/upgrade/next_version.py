"""A made-up next version of the extension: what it changes in the parts of the install script, and the update script. The
update script's statements do the same to an installation that is there. Each is one that such a script may forget."""
import re

# Part, what stands there, what the next version has instead.
CHANGES = [
    ("configuration", "  released_at  timestamptz,\n", "  released_at  timestamptz,\n  ticket       text,\n"),
    ("configuration", "COMMENT ON COLUMN @extschema@.audit_holds.released_at IS",
     "COMMENT ON COLUMN @extschema@.audit_holds.ticket IS 'Where it was asked for.';\n"
     "COMMENT ON COLUMN @extschema@.audit_holds.released_at IS"),
    ("configuration", "SELECT pg_extension_config_dump('@extschema@.audit_holds', '');",
     "CREATE INDEX audit_holds_ticket ON @extschema@.audit_holds (ticket);\n"
     "SELECT pg_extension_config_dump('@extschema@.audit_holds', '');"),
    ("configuration", "-- The small tables are read",
     "CREATE TABLE @extschema@.audit_tickets (ticket text NOT NULL);\n"
     "COMMENT ON TABLE @extschema@.audit_tickets IS 'Tickets that holds were asked for in.';\n"
     "SELECT pg_extension_config_dump('@extschema@.audit_tickets', '');\n\n"
     "-- The small tables are read"),
    ("principals", "HINT = 'audit_users lists the users.'", "HINT = 'SELECT * FROM audit_users lists the users.'"),
    ("reading", "COMMENT ON FUNCTION @extschema@.audit_get_json IS", """CREATE FUNCTION @extschema@.audit_has(id uuid) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT EXISTS (SELECT FROM @extschema@.audit_get(id) g);
END;
COMMENT ON FUNCTION @extschema@.audit_has IS 'Whether there is an event with that id.';
COMMENT ON FUNCTION @extschema@.audit_get_json IS"""),
    ("reading", "'The event of audit_get() as a JSON object", "'The event that audit_get() finds, as a JSON object"),
    ("rights", "  ('reader', '@extschema@.audit_get'),\n", "  ('reader', '@extschema@.audit_get'),\n  ('reader', '@extschema@.audit_has'),\n"),
]


def change_parts(directory):
    for part, old, new in CHANGES:
        path = directory / f"{part}.sql"
        text = path.read_text()
        assert text.count(old) == 1, (part, old)
        path.write_text(text.replace(old, new))


def update_statements(install_script):
    """What is forgotten without it: the statement. Bodies come from the install script of the next version."""
    def found(pattern):
        return re.search(pattern, install_script, re.S)[0]

    def replaced(pattern):
        return re.sub(r"^CREATE", "CREATE OR REPLACE", found(pattern))

    return {
        "a column": "ALTER TABLE @extschema@.audit_holds ADD COLUMN ticket text;",
        "a column's comment": found(r"COMMENT ON COLUMN @extschema@.audit_holds.ticket [^;]*;"),
        "an index": found(r"CREATE INDEX audit_holds_ticket [^;]*;"),
        "a table": found(r"CREATE TABLE @extschema@.audit_tickets [^;]*;"),
        "a table's comment": found(r"COMMENT ON TABLE @extschema@.audit_tickets [^;]*;"),
        "that a table is dumped": found(r"SELECT pg_extension_config_dump\('@extschema@.audit_tickets'[^;]*;"),
        "a function's body": replaced(r"CREATE FUNCTION @extschema@.audit_require_user.*?\n\$\$;"),
        "a new function": found(r"CREATE FUNCTION @extschema@.audit_has.*?\nEND;"),
        "a new function's comment": found(r"COMMENT ON FUNCTION @extschema@.audit_has [^;]*;"),
        "a changed comment": found(r"COMMENT ON FUNCTION @extschema@.audit_get_json [^;]*;"),
        "a grant": replaced(r"CREATE VIEW @extschema@.audit_grants [^;]*;"),
        "to close a function": "REVOKE ALL ON FUNCTION @extschema@.audit_has FROM PUBLIC;",
    }


# What cannot be there without it.
DEPENDENTS = {
    "a column": {"a column's comment", "an index"},
    "a table": {"a table's comment", "that a table is dumped"},
    "a new function": {"a new function's comment", "a grant", "to close a function"},
}
