
-------------------------------------------------------------------------------------------------------------------
-- Maintenance: the work
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_cancel_autovacuum(worked_on regclass) RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
  SELECT count(pg_cancel_backend(l.pid)) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.relation = worked_on AND a.datname = current_database() AND a.backend_type = 'autovacuum worker';
END;
COMMENT ON FUNCTION @extschema@.audit_cancel_autovacuum IS
'Makes autovacuum give way on this table at once, as it does to those who have waited for it for a second. Returns '
'how many workers it was.';

CREATE FUNCTION @extschema@.audit_mirror() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_mirror IS
'Trigger of the default partition while its events are moved: copies a new one to where it will be.';

CREATE FUNCTION @extschema@.audit_run_step(step text) RETURNS text
LANGUAGE c STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_run_step IS
'Runs one step of audit_maintain(), for tests of what may happen between two of them: guard_partitions, record_left, '
'move_begin, move_copy, move_analyze, move_wait, move_finish, move_clean, create_due, drop_expired, flush_past. Each '
'proves by itself that the one before it was done. Returns done, more (to be called again), busy, nothing (to move) '
'or again (from move_begin on). Raises 55P03 for a lock that is not to be had within 40 ms.';

CREATE PROCEDURE @extschema@.audit_maintain()
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE @extschema@.audit_maintain IS
'Makes the partitions that are due, moves events out of the default partition, and drops partitions past keep, as '
'audit_configure() was told; empties the pending lists of past partitions; gives partitions the owner of '
'audit_events. For a scheduler: CALL it outside of a transaction, as often as you like; a second one at the same time '
'does nothing but say so. Nobody waits for it for more than some 40 ms. Raises 55000 if something could not be done, '
'after all the rest.';
