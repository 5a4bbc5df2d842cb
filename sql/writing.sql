
-------------------------------------------------------------------------------------------------------------------
-- Writing
-------------------------------------------------------------------------------------------------------------------

-- A row here lives for a part of one transaction; its entry in the unique index is what others wait for.
CREATE UNLOGGED TABLE @extschema@.audit_id_claims (
  id uuid NOT NULL,
  CONSTRAINT audit_id_claims_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE @extschema@.audit_id_claims IS
'Ids claimed by running transactions. Looks empty to every other session.';
COMMENT ON COLUMN @extschema@.audit_id_claims.id IS 'The id that came with the event.';

CREATE FUNCTION @extschema@.audit_log(
  event_group text, event_type text, status text DEFAULT 'success', user_id bigint DEFAULT NULL,
  actor_type text DEFAULT NULL, actor_id text DEFAULT NULL, source text DEFAULT 'sql',
  resource_type text DEFAULT NULL, resource_id text DEFAULT NULL, session_id text DEFAULT NULL,
  vm_id text DEFAULT NULL, task_id bigint DEFAULT NULL, request_id text DEFAULT NULL,
  correlation_id text DEFAULT NULL, http_method text DEFAULT NULL, path text DEFAULT NULL,
  http_status integer DEFAULT NULL, latency_ms double precision DEFAULT NULL, ip_address inet DEFAULT NULL,
  user_agent text DEFAULT NULL, node_ip inet DEFAULT NULL, worker_id text DEFAULT NULL,
  event_payload jsonb DEFAULT NULL, error_message text DEFAULT NULL, id uuid DEFAULT NULL,
  created_at timestamptz DEFAULT NULL)
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_log IS
'Records one event and returns its id. event_group and event_type are required. For all others NULL means not given. '
'actor_type: user if user_id or actor_id is given, else system. created_at: the time in a given id of version 7, '
'else now. id: a UUID version 7 made from created_at. A given id is recorded once. If an event with it exists, that '
'id is returned and nothing else happens. Needs the right to INSERT into audit_events, not to read it. Raises 23502 '
'without group or type. Raises 22001 for more than 2048 bytes in a filter column. Raises 23514 for a created_at '
'outside the years 1970 to 9999. Raises 22008 for a created_at further ahead of the clock than max_ahead of '
'audit_configure(). Raises 42501 for event_group audit, which the extension reserves.';

CREATE FUNCTION @extschema@.audit_log_batch(events jsonb) RETURNS TABLE (id uuid, is_new boolean)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 100 COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_log_batch IS
'Records an array of events (or one event), all of them or none. Returns their ids in the same order. An event is an '
'object. Its members are columns of audit_events, with the types and defaults of audit_log(). null means not given. '
'created_at is RFC 3339 with an offset. is_new is false for an event whose given id exists already. Such an event is '
'not recorded. The error names the first wrong event: its position, from 0, and the member, which is also the '
'error''s column name. Raises 23502 for a missing member, 42703 for an unknown one, and 22023 for a value of another '
'type. Raises 22001 for more than 2048 bytes in a filter column. Raises 22003 for a number out of range or of more '
'than 1000 digits. Raises 22007 and 22008 for a wrong created_at, or one further ahead of the clock than max_ahead '
'of audit_configure(). Raises 22P02 for a wrong UUID or address. Raises 54000 for an event of more than '
'audit_ext.max_event_size bytes of JSON, and for a payload nested more than 64 levels deep.';

CREATE FUNCTION @extschema@.audit_log_text(events text, is_ndjson boolean, user_id bigint)
RETURNS TABLE (status integer, answer json)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_log_text IS 'audit_log_json() without a key.';

CREATE TABLE @extschema@.audit_idempotency_keys (
  session_role text        NOT NULL,
  principal    text        NOT NULL,
  key          text        NOT NULL,
  sha256       bytea       NOT NULL,
  answer       json        NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT audit_idempotency_keys_pkey PRIMARY KEY (session_role, principal, key)
);
COMMENT ON TABLE @extschema@.audit_idempotency_keys IS
'Answers of POST /v1/audit/events to requests with an Idempotency-Key in the last 24 hours.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.session_role IS 'The role of the session: the daemon''s.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.principal IS 'The sender of the request.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.key IS 'The key of the request.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.sha256 IS 'Hash of the request''s body.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.answer IS 'The body of the answer.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.created_at IS 'When it was answered.';
CREATE INDEX audit_idempotency_keys_created_at ON @extschema@.audit_idempotency_keys (created_at);
SELECT pg_extension_config_dump('@extschema@.audit_idempotency_keys', '');

-- These two run with the owner's rights, since a writer must not see other writers' keys. A session only ever
-- reaches those of the role that it logged in as.
CREATE FUNCTION @extschema@.audit_find_answer(principal text, key text, sha256 bytea)
RETURNS TABLE (status integer, answer json)
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  -- The lock is written to the WAL. So COMMIT waits for synchronous standbys, as that of the events may not have done.
  -- A query that is cancelled in that wait has committed.
  SELECT CASE WHEN k.sha256 = $3 THEN 201 ELSE 409 END, CASE WHEN k.sha256 = $3 THEN k.answer END
  FROM @extschema@.audit_idempotency_keys k
  WHERE k.session_role = session_user AND k.principal = $1 AND k.key = $2
    AND k.created_at > now() - interval '24 hours'
  FOR KEY SHARE;
END;
COMMENT ON FUNCTION @extschema@.audit_find_answer IS
'The answer to a request with that key in the last 24 hours. Status 409 if that request had another body. For '
'audit_log_json().';

CREATE FUNCTION @extschema@.audit_keep_answer(principal text, key text, sha256 bytea, answer json) RETURNS void
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  -- Each new one clears away more than one old one, so that they never pile up.
  DELETE FROM @extschema@.audit_idempotency_keys k WHERE k.ctid IN (
    SELECT o.ctid FROM @extschema@.audit_idempotency_keys o WHERE o.created_at <= now() - interval '24 hours'
    ORDER BY o.created_at LIMIT 10 FOR UPDATE SKIP LOCKED);
  INSERT INTO @extschema@.audit_idempotency_keys AS k (session_role, principal, key, sha256, answer)
  VALUES (session_user, $1, $2, $3, $4)
  ON CONFLICT ON CONSTRAINT audit_idempotency_keys_pkey
  DO UPDATE SET sha256 = excluded.sha256, answer = excluded.answer, created_at = excluded.created_at;
END;
COMMENT ON FUNCTION @extschema@.audit_keep_answer IS
'Keeps the answer to a request with that key for 24 hours. For audit_log_json().';

CREATE FUNCTION @extschema@.audit_log_json(
  events text, is_ndjson boolean DEFAULT false, user_id bigint DEFAULT NULL, principal text DEFAULT NULL,
  idempotency_key text DEFAULT NULL)
RETURNS TABLE (status integer, answer json)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  body_sha256 bytea;
BEGIN
  IF principal IS NULL OR idempotency_key IS NULL THEN
    RETURN QUERY SELECT * FROM @extschema@.audit_log_text($1, $2, $3);
    RETURN;
  END IF;
  body_sha256 := sha256(convert_to(events, 'UTF8'));
  -- The same key at the same time: the second waits for the first one's answer.
  PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(' ', session_user, principal, idempotency_key), 1));
  RETURN QUERY SELECT * FROM @extschema@.audit_find_answer(principal, idempotency_key, body_sha256);
  IF FOUND THEN
    RETURN;
  END IF;
  SELECT t.status, t.answer INTO audit_log_json.status, audit_log_json.answer
  FROM @extschema@.audit_log_text($1, $2, $3) t;
  IF audit_log_json.status = 201 THEN
    PERFORM @extschema@.audit_keep_answer(principal, idempotency_key, body_sha256, audit_log_json.answer);
  END IF;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_log_json IS
'POST /v1/audit/events: records up to 10000 events, all of them or none. Returns the HTTP status and the body of the '
'answer. events: one event or an array of events as JSON, or one event a line with is_ndjson. source defaults to '
'api. user_id: the user of all events. It is filled in where it is missing. An event of another user is status 403. '
'principal, idempotency_key: the same key of the same principal with the same events gets the same answer for 24 '
'hours. Nothing is recorded again. Other events with that key are status 409. Status 201: '
'{"ids":[...],"recorded":number of new ones}. Status 413: too many events. Status 422: {"detail":[...]}, as for '
'wrong parameters of a page. Text that is not JSON raises what jsonb does: 22P02, 22P05, 22003, 54000, 54001.';
