
-------------------------------------------------------------------------------------------------------------------
-- Dumps: the events of the default partition. pg_dump 15 crashes when it dumps the data of an extension's partition
-- without the extension (-n, -t). It has not looked for the partition's parent then. So these events are dumped as the
-- rows of a table that is no partition. A restore inserts them there, which records them in the right partition.
-------------------------------------------------------------------------------------------------------------------

CREATE TABLE @extschema@.audit_events_dump (LIKE @extschema@.audit_events);
COMMENT ON TABLE @extschema@.audit_events_dump IS
'The way of the default partition''s events through a dump. pg_dump reads them here, and a trigger records arriving '
'ones in audit_events. It is empty, except after pg_restore --disable-triggers until the next audit_maintain().';
-- pg_dump puts this condition behind SELECT ... FROM audit_events_dump.
SELECT pg_extension_config_dump('@extschema@.audit_events_dump', format(
  'UNION ALL SELECT %s FROM ONLY @extschema@.audit_events_default',
  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
   WHERE a.attrelid = '@extschema@.audit_events_dump'::regclass AND a.attnum > 0)));

CREATE FUNCTION @extschema@.audit_record_dumped() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO @extschema@.audit_events SELECT NEW.*;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_record_dumped IS
'Trigger of audit_events_dump: records an event that arrives from a dump in audit_events.';
CREATE TRIGGER audit_record_dumped BEFORE INSERT ON @extschema@.audit_events_dump
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_record_dumped();

-------------------------------------------------------------------------------------------------------------------
-- Dumps: row-level security. pg_dump leaves out the policies of an extension's tables, so that a restored trail would
-- show every row to every reader. Therefore the statements that create them are kept as rows, which pg_dump does take.
-- They run when these rows arrive.
-------------------------------------------------------------------------------------------------------------------

-- No primary key: an index holds no statement of more than 2,700 bytes.
CREATE TABLE @extschema@.audit_policies (
  statement text NOT NULL
);
COMMENT ON TABLE @extschema@.audit_policies IS
'A copy, for dumps, of the row-level security of audit_events. An event trigger keeps it up to date: use CREATE '
'POLICY and ALTER TABLE.';
COMMENT ON COLUMN @extschema@.audit_policies.statement IS
'The statement that makes a policy or switches row-level security on.';
SELECT pg_extension_config_dump('@extschema@.audit_policies', '');

CREATE FUNCTION @extschema@.audit_restore_policy() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_restore_policy IS
'Trigger of audit_policies: runs a statement that arrives from a dump, unless it is in force already. Raises 22023 '
'for anything but CREATE POLICY and ALTER TABLE ... ENABLE or FORCE ROW LEVEL SECURITY.';
CREATE TRIGGER audit_restore_policy AFTER INSERT ON @extschema@.audit_policies
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_restore_policy();
