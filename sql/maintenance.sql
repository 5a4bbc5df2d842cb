
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
'Cancels autovacuum on this table at once. PostgreSQL does so only for a session that has waited a second. Returns '
'the number of cancelled workers.';

CREATE FUNCTION @extschema@.audit_mirror() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_mirror IS
'Trigger of the default partition while its events are moved: copies each new event to its future partition.';

CREATE FUNCTION @extschema@.audit_run_step(step text) RETURNS text
LANGUAGE c STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_run_step IS
'Runs one step of audit_maintain(), for tests of what happens between two steps. Steps: guard_partitions, '
'record_left, move_begin, move_copy, move_analyze, move_wait, move_finish, move_clean, create_due, drop_expired, '
'flush_past. Each step proves by itself that the step before it was done. Returns done, more (call it again), busy, '
'nothing (to move) or again (from move_begin on). Raises 55P03 for a lock that it does not get within 40 ms.';

CREATE PROCEDURE @extschema@.audit_maintain()
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE @extschema@.audit_maintain IS
'Does what audit_configure() has set: makes partitions that are due, moves events out of the default partition, and '
'drops partitions past keep. It also empties the pending lists of past partitions, and gives partitions the owner of '
'audit_events. For a scheduler: CALL it outside of a transaction, as often as you like. A second call at the same '
'time only reports the first. Other sessions wait for it for about 40 ms at most. If a step fails, the others go on. '
'Then it raises 55000.';

-------------------------------------------------------------------------------------------------------------------
-- Citus
-------------------------------------------------------------------------------------------------------------------

CREATE TABLE @extschema@.audit_shards (
  created_at timestamptz NOT NULL,
  shard_id   bigint      NOT NULL
);
COMMENT ON TABLE @extschema@.audit_shards IS
'A row for each shard of audit_events, which audit_distribute() makes. A page asks the posting engine by way of them.';
COMMENT ON COLUMN @extschema@.audit_shards.created_at IS 'A time whose hash leads to the shard. Nothing happened then.';
COMMENT ON COLUMN @extschema@.audit_shards.shard_id IS 'The number of the shard, as in pg_dist_shard.';

GRANT SELECT ON @extschema@.audit_shards TO PUBLIC;

CREATE FUNCTION @extschema@.audit_distribute(shard_count integer DEFAULT NULL) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_distribute IS
'Has Citus spread audit_events over its workers by created_at, with all events. shard_count: the number of shards, 1 '
'to 64000. Default: citus.shard_count. A page asks each shard, so few shards are faster. Sessions that use '
'audit_events wait until the events are copied. There is no way back. Where audit_events is distributed it only looks '
'up its shards, which is needed after Citus has split one. Raises 55000 without Citus or workers, on a worker, and '
'where the coordinator is to have shards. Raises 55000 also with a foreign partition, and for a shard_count where '
'audit_events is distributed. Raises 22023 for another shard_count.';
