
-------------------------------------------------------------------------------------------------------------------
-- The trail is append-only: guards against UPDATE, DELETE, TRUNCATE, DROP, DETACH and changed columns
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_guard() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard IS
'Trigger of audit_events and its partitions: rejects UPDATE, DELETE and TRUNCATE with 42501. While '
'audit_ext.allow_changes is on, it records them as an event audit.changed instead.';

-- Row triggers of the parent are given to every partition, also to those attached by hand; they cost an INSERT nothing.
CREATE TRIGGER audit_guard_rows BEFORE UPDATE OR DELETE ON @extschema@.audit_events
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_guard();
ALTER TABLE @extschema@.audit_events ENABLE ALWAYS TRIGGER audit_guard_rows;
-- AFTER: what it records must not be truncated with the rest.
CREATE TRIGGER audit_guard_truncate AFTER TRUNCATE ON @extschema@.audit_events
FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.audit_guard();
ALTER TABLE @extschema@.audit_events ENABLE ALWAYS TRIGGER audit_guard_truncate;

CREATE FUNCTION @extschema@.audit_guard_command() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_command IS
'Event trigger before every command: loads the library into the session. The library sees each object that a command '
'makes, changes or drops. It rejects with 42501 what would change recorded events or their guards.';

CREATE FUNCTION @extschema@.audit_guard_rewrite() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_rewrite IS
'Event trigger: rejects with 42501 a rewrite of audit_events or a partition that computes values anew.';

CREATE FUNCTION @extschema@.audit_record_command() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_record_command IS
'Event trigger after every command. While audit_ext.allow_changes is on, it records changes of the trail as events '
'audit.changed. It also records each change of policies and row-level security, and saves it for dumps.';

-- For every command: a list of commands would have gaps. ALWAYS: under session_replication_role = replica too.
CREATE EVENT TRIGGER audit_ext_guard_command ON ddl_command_start EXECUTE FUNCTION @extschema@.audit_guard_command();
CREATE EVENT TRIGGER audit_ext_guard_rewrite ON table_rewrite EXECUTE FUNCTION @extschema@.audit_guard_rewrite();
CREATE EVENT TRIGGER audit_ext_record_command ON ddl_command_end EXECUTE FUNCTION @extschema@.audit_record_command();
ALTER EVENT TRIGGER audit_ext_guard_command ENABLE ALWAYS;
ALTER EVENT TRIGGER audit_ext_guard_rewrite ENABLE ALWAYS;
ALTER EVENT TRIGGER audit_ext_record_command ENABLE ALWAYS;
