/* audit_ext 1.0 to 1.1: writing in batches, partitions and retention, the append-only guards. Each section is a part of
   its own, in the order of docs/sql_api.md. Version 1.0's script is never changed. */
\echo Use "ALTER EXTENSION audit_ext UPDATE TO '1.1'" to load this file. \quit

-------------------------------------------------------------------------------------------------------------------
-- The trail is append-only: guards against UPDATE, DELETE, TRUNCATE, DROP, DETACH and changed columns
-------------------------------------------------------------------------------------------------------------------

-- What the extension itself records about the trail. With the owner's rights: whoever may do a thing need not have the
-- right to write events.
CREATE FUNCTION @extschema@.audit_record(event_type text, resource_type text, resource_id text, details jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.audit_log('audit', event_type, actor_type => 'user', actor_id => session_user::text,
    resource_type => resource_type, resource_id => resource_id, event_payload => details);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_record(text, text, text, jsonb) IS
'Records an event of the group audit about the trail itself.';

CREATE FUNCTION @extschema@.audit_record_change(command text, relation text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.audit_record('audit.changed', 'table', relation, jsonb_build_object('command', command));
END
$$;
COMMENT ON FUNCTION @extschema@.audit_record_change(text, text) IS
'Records that a command changed the trail while audit_ext.allow_changes was on. Called by the guards.';

CREATE FUNCTION @extschema@.audit_guard() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard() IS
'Trigger of audit_events and its partitions: refuses UPDATE, DELETE and TRUNCATE with 42501, or, while audit_ext.allow_changes is on, records them as an event audit.changed.';

-- Row triggers of the parent are given to every partition, also to those attached by hand; they cost an INSERT nothing.
CREATE TRIGGER audit_guard_rows BEFORE UPDATE OR DELETE ON @extschema@.audit_events
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_guard();
ALTER TABLE @extschema@.audit_events ENABLE ALWAYS TRIGGER audit_guard_rows;
-- AFTER: what it records must not be truncated with the rest.
CREATE TRIGGER audit_guard_truncate AFTER TRUNCATE ON @extschema@.audit_events
FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.audit_guard();
ALTER TABLE @extschema@.audit_events ENABLE ALWAYS TRIGGER audit_guard_truncate;

CREATE FUNCTION @extschema@.audit_guard_partition(partition regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  trigger_name name;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = partition AND t.tgname = 'audit_guard_truncate') THEN
    EXECUTE format('CREATE TRIGGER audit_guard_truncate AFTER TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.audit_guard()', partition);
  END IF;
  -- ALWAYS: under session_replication_role = replica too. pg_restore --disable-triggers leaves them without.
  FOR trigger_name IN
    SELECT t.tgname FROM pg_trigger t
    WHERE t.tgrelid = partition AND t.tgname IN ('audit_guard_truncate', 'audit_guard_rows') AND t.tgenabled <> 'A'
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', partition, trigger_name);
  END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_guard_partition(regclass) IS
'Gives a partition the guards that it has not from audit_events. audit_index_partition() and audit_maintain() call it.';

CREATE OR REPLACE FUNCTION @extschema@.audit_index_partition(partition regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition_name text := (SELECT c.relname FROM pg_class c WHERE c.oid = partition);
BEGIN
  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I PRIMARY KEY (created_at, id)', partition, partition_name || '_pkey');
  EXECUTE format('CREATE INDEX %I ON %s USING gin (event_group, event_type, status, user_id, vm_id, session_id)
                  WITH (fastupdate = off)', partition_name || '_filters', partition);
  EXECUTE format('CREATE INDEX %I ON %s (id) WHERE NOT @extschema@.audit_id_matches(id, created_at)',
                 partition_name || '_foreign_id', partition);
  PERFORM @extschema@.audit_guard_partition(partition);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_index_partition(regclass) IS
'Gives a partition its indexes (the primary key (created_at, id), one GIN index over the six filter columns, and a partial index on ids that were not made from created_at) and its guard against TRUNCATE. For a partition attached by hand; audit_create_partition() calls it.';

-- Partitions that version 1.0 made.
SELECT @extschema@.audit_guard_partition(i.inhrelid) FROM pg_catalog.pg_inherits i
WHERE i.inhparent OPERATOR(pg_catalog.=) '@extschema@.audit_events'::regclass;

CREATE FUNCTION @extschema@.audit_guard_command() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_command() IS
'Event trigger: refuses with 42501 to detach a partition of audit_events, to change the columns of an event, and to switch the guards off; makes sure that the library is there, which refuses to drop what holds events. While audit_ext.allow_changes is on, records it as an event audit.changed.';
CREATE FUNCTION @extschema@.audit_record_command() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_record_command() IS
'Event trigger: records what a command has dropped from the trail while audit_ext.allow_changes was on.';

CREATE EVENT TRIGGER audit_ext_guard_command ON ddl_command_start
WHEN TAG IN ('ALTER TABLE', 'ALTER TRIGGER', 'DROP TABLE', 'DROP TRIGGER', 'DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED')
EXECUTE FUNCTION @extschema@.audit_guard_command();
CREATE EVENT TRIGGER audit_ext_record_command ON ddl_command_end
WHEN TAG IN ('ALTER TABLE', 'ALTER TRIGGER', 'DROP TABLE', 'DROP TRIGGER', 'DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED')
EXECUTE FUNCTION @extschema@.audit_record_command();

REVOKE ALL ON FUNCTION
  @extschema@.audit_record, @extschema@.audit_record_change, @extschema@.audit_guard, @extschema@.audit_guard_partition,
  @extschema@.audit_guard_command, @extschema@.audit_record_command
FROM PUBLIC;
