
-------------------------------------------------------------------------------------------------------------------
-- Events. The parent has no index and no primary key; each partition has its own. Otherwise pg_dump and pg_restore
-- report errors (docs/design.md, "Storage").
-------------------------------------------------------------------------------------------------------------------

CREATE TABLE @extschema@.audit_events (
  id              uuid             NOT NULL,
  created_at      timestamptz      NOT NULL DEFAULT clock_timestamp(),
  user_id         bigint,
  actor_type      text             NOT NULL DEFAULT 'system',
  actor_id        text,
  source          text             NOT NULL DEFAULT 'sql',
  event_group     text             NOT NULL,
  event_type      text             NOT NULL,
  status          text             NOT NULL DEFAULT 'success',
  resource_type   text,
  resource_id     text,
  session_id      text,
  vm_id           text,
  task_id         bigint,
  request_id      text,
  correlation_id  text,
  http_method     text,
  path            text,
  http_status     integer,
  latency_ms      double precision,
  ip_address      inet,
  user_agent      text,
  node_ip         inet,
  worker_id       text,
  event_payload   jsonb,
  error_message   text,
  -- What RFC 3339 and UUID version 7 can both write; keeps infinity out as well.
  CONSTRAINT audit_events_created_at_range CHECK (
    created_at >= '1970-01-01 00:00:00+00'::timestamptz AND
    created_at < '10000-01-01 00:00:00+00'::timestamptz)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE @extschema@.audit_events IS
'The audit trail: one row an event. Read it with audit_list(). Record with audit_log(), INSERT or COPY.';
COMMENT ON COLUMN @extschema@.audit_events.id IS
'Unique together with created_at. Default: a UUID version 7 made from created_at.';
COMMENT ON COLUMN @extschema@.audit_events.created_at IS
'When it happened. Default: now. Years 1970 to 9999. Events are listed by it, newest first, ties by id.';
COMMENT ON COLUMN @extschema@.audit_events.user_id IS 'The user it belongs to. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.actor_type IS
'The type of the actor: user, service, system, ... A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.actor_id IS 'The actor, within its type. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.source IS
'The reporter of the event: api, ui, worker, scheduler, sql, ... A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.event_group IS
'The area, such as auth or billing; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.event_type IS
'What happened, such as auth.login; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.status IS
'How it ended: success, failure, denied, ...; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.resource_type IS
'The type of the resource that was acted on. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.resource_id IS 'The resource, within its type. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.session_id IS
'The session it belongs to; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.vm_id IS
'The virtual machine it concerns; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.task_id IS 'The background task it belongs to. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.request_id IS 'The request it belongs to. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.correlation_id IS
'Connects the events of one operation over several services. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.http_method IS 'Method of the HTTP request.';
COMMENT ON COLUMN @extschema@.audit_events.path IS 'Path of the HTTP request.';
COMMENT ON COLUMN @extschema@.audit_events.http_status IS 'Status code of the HTTP answer.';
COMMENT ON COLUMN @extschema@.audit_events.latency_ms IS
'How long it took, in milliseconds. NaN and infinity become null in JSON.';
COMMENT ON COLUMN @extschema@.audit_events.ip_address IS 'Address of the client. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.user_agent IS 'User-Agent of the client.';
COMMENT ON COLUMN @extschema@.audit_events.node_ip IS 'Address of the server that did it.';
COMMENT ON COLUMN @extschema@.audit_events.worker_id IS 'The worker process that did it.';
COMMENT ON COLUMN @extschema@.audit_events.event_payload IS 'Anything else, as JSON.';
COMMENT ON COLUMN @extschema@.audit_events.error_message IS 'What went wrong, as text for people.';

CREATE FUNCTION @extschema@.audit_events_before_insert() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_events_before_insert IS
'Trigger of audit_events and its partitions: makes the id if there is none. Raises 22001 for more than 2048 bytes in '
'a filter column, which no index entry can hold. Raises 54000 for an event of more than audit_ext.max_event_size '
'bytes of JSON, and for a payload nested more than 64 levels deep. Raises 22003 for a number of more than 1000 '
'digits in a payload. Raises 42703 and 42804 on a table without the columns of audit_events or with other types.';
CREATE TRIGGER audit_events_before_insert BEFORE INSERT ON @extschema@.audit_events
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_events_before_insert();
