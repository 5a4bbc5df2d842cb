/* audit_ext 1.0 to 1.1: writing in batches, partitions and retention, the append-only guards. Each section is a part of
   its own, in the order of docs/sql_api.md. Version 1.0's script is never changed. */
\echo Use "ALTER EXTENSION audit_ext UPDATE TO '1.1'" to load this file. \quit

-------------------------------------------------------------------------------------------------------------------
-- Writing
-------------------------------------------------------------------------------------------------------------------

-- A row here lives for a part of one transaction; its entry in the unique index is what others wait for.
CREATE UNLOGGED TABLE @extschema@.audit_id_claims (
  id uuid NOT NULL,
  CONSTRAINT audit_id_claims_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE @extschema@.audit_id_claims IS 'Ids that transactions under way are recording events with. To others it is always empty.';
COMMENT ON COLUMN @extschema@.audit_id_claims.id IS 'The id that came with the event.';

CREATE OR REPLACE FUNCTION @extschema@.audit_log(
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
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'audit_log_once';
COMMENT ON FUNCTION @extschema@.audit_log(text, text, text, bigint, text, text, text, text, text, text, text, bigint, text, text, text, text, integer, double precision, inet, text, inet, text, jsonb, text, uuid, timestamptz) IS
'Records one event and returns its id. event_group and event_type are required; of the others NULL means not given. actor_type: user where user_id or actor_id is given, else system. created_at: the time that the id holds, where one of version 7 is given, else now. id: a UUID version 7 made from created_at. An id that is given is recorded once: where there is an event with it, that id is returned and nothing else happens. Needs the right to INSERT into audit_events, not to read it. Raises 23502 without group or type, 22001 for more than 2048 bytes in a filter column, 23514 for a created_at outside the years 1970 to 9999.';

CREATE FUNCTION @extschema@.audit_log_batch(events jsonb) RETURNS TABLE (id uuid, is_new boolean)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 100 COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_log_batch(jsonb) IS
'Records an array of events (or one event), all of them or none, and returns their ids in its order. An event is an object with any of the columns of audit_events as members, with the types and defaults of audit_log(); null means not given. created_at is RFC 3339 with an offset. is_new is false for an event that was left out, since its id was given and there is an event with it. The first wrong event is named by the error: its place, from 0, and the member, which is also the error''s column name. Raises 23502 for a missing member, 42703 for an unknown one, 22023 for a value of another type, 22001 for more than 2048 bytes in a filter column, 22003 for a number out of range, 22007 and 22008 for a wrong created_at, 22P02 for a wrong UUID or address.';

CREATE FUNCTION @extschema@.audit_log_text(events text, is_ndjson boolean, user_id bigint)
RETURNS TABLE (status integer, answer json)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_log_text(text, boolean, bigint) IS
'audit_log_json() without a key.';

CREATE TABLE @extschema@.audit_idempotency_keys (
  session_role text        NOT NULL,
  principal    text        NOT NULL,
  key          text        NOT NULL,
  sha256       bytea       NOT NULL,
  answer       json        NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  CONSTRAINT audit_idempotency_keys_pkey PRIMARY KEY (session_role, principal, key)
);
CREATE INDEX audit_idempotency_keys_created_at ON @extschema@.audit_idempotency_keys (created_at);
COMMENT ON TABLE @extschema@.audit_idempotency_keys IS 'What POST /v1/audit/events has answered to requests with an Idempotency-Key in the last 24 hours.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.session_role IS 'The role that was logged in: the daemon''s.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.principal IS 'Who sent the request.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.key IS 'The key that it came with.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.sha256 IS 'Hash of its body.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.answer IS 'The body of the answer.';
COMMENT ON COLUMN @extschema@.audit_idempotency_keys.created_at IS 'When it was answered.';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_idempotency_keys', '');

-- These two run with the owner's rights, since a writer must not see other writers' keys. A session only ever
-- reaches those of the role that it logged in as.
CREATE FUNCTION @extschema@.audit_find_answer(principal text, key text, sha256 bytea)
RETURNS TABLE (status integer, answer json)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN k.sha256 = $3 THEN 201 ELSE 409 END, CASE WHEN k.sha256 = $3 THEN k.answer END
  FROM @extschema@.audit_idempotency_keys k
  WHERE k.session_role = session_user AND k.principal = $1 AND k.key = $2 AND k.created_at > now() - interval '24 hours'
$$;
COMMENT ON FUNCTION @extschema@.audit_find_answer(text, text, bytea) IS
'What a request with that key was answered in the last 24 hours; status 409 if it was another one. For audit_log_json().';

CREATE FUNCTION @extschema@.audit_keep_answer(principal text, key text, sha256 bytea, answer json) RETURNS void
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  -- Each new one clears away more than one old one, so that they never pile up.
  DELETE FROM @extschema@.audit_idempotency_keys k WHERE k.ctid IN (
    SELECT o.ctid FROM @extschema@.audit_idempotency_keys o WHERE o.created_at <= now() - interval '24 hours'
    ORDER BY o.created_at LIMIT 10 FOR UPDATE SKIP LOCKED);
  INSERT INTO @extschema@.audit_idempotency_keys AS k (session_role, principal, key, sha256, answer)
  VALUES (session_user, $1, $2, $3, $4)
  ON CONFLICT ON CONSTRAINT audit_idempotency_keys_pkey
  DO UPDATE SET sha256 = excluded.sha256, answer = excluded.answer, created_at = excluded.created_at
$$;
COMMENT ON FUNCTION @extschema@.audit_keep_answer(text, text, bytea, json) IS
'Keeps what a request with that key was answered for 24 hours. For audit_log_json().';

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
  SELECT t.status, t.answer INTO audit_log_json.status, audit_log_json.answer FROM @extschema@.audit_log_text($1, $2, $3) t;
  IF audit_log_json.status = 201 THEN
    PERFORM @extschema@.audit_keep_answer(principal, idempotency_key, body_sha256, audit_log_json.answer);
  END IF;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_log_json(text, boolean, bigint, text, text) IS
'POST /v1/audit/events: records what a client has sent, up to 10000 events, all of them or none; returns the HTTP status and the body of the answer. events: one event or an array of them as JSON; with is_ndjson one event a line. source is api where an event has none. user_id: the user that the events have to belong to, filled in where it is missing; status 403 where it is another one. principal, idempotency_key: the same key of the same principal with the same events gets the same answer for 24 hours and records nothing; with others status 409. Status 201: {"ids":[...],"recorded":number of new ones}; 413: too many events; 422: {"detail":[...]}, as for wrong parameters of a page. What is no JSON raises what jsonb does: 22P02, 22P05, 22003, 54000, 54001.';

CREATE OR REPLACE FUNCTION @extschema@.audit_are_scopes(scopes text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT scopes OPERATOR(pg_catalog.<@) ARRAY['audit:read', 'audit:read:self', 'audit:write']
     AND pg_catalog.cardinality(scopes) OPERATOR(pg_catalog.>) 0;
END;
COMMENT ON FUNCTION @extschema@.audit_are_scopes(text[]) IS
'Whether these are scopes that the daemon knows: audit:read (all events that the database role may see), audit:read:self (events of the principal''s user_id only), audit:write (recording events; without audit:read those of the principal''s user_id only, where it has one).';

CREATE OR REPLACE FUNCTION @extschema@.audit_check_principal(name text, scopes text[], user_id bigint, db_role text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(name, '') = '' THEN
    RAISE EXCEPTION 'name must not be empty' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF @extschema@.audit_are_scopes(scopes) IS NOT TRUE THEN
    RAISE EXCEPTION 'unknown scope' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got %s.', coalesce(scopes::text, 'NULL')), HINT = 'Scopes are audit:read, audit:read:self and audit:write.';
  END IF;
  IF user_id IS NULL AND 'audit:read:self' = ANY (scopes) THEN
    RAISE EXCEPTION 'scope audit:read:self needs a user_id' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Pass the user_id whose events the holder may read.';
  END IF;
  IF db_role IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = db_role AND NOT r.rolsuper AND NOT r.rolbypassrls) THEN
    RAISE EXCEPTION 'db_role "%" cannot be used', db_role USING ERRCODE = 'invalid_parameter_value',
      DETAIL = 'It does not exist, or it is a superuser or bypasses row-level security.',
      HINT = 'Name an ordinary role that the daemon''s role is a member of.';
  END IF;
END
$$;
COMMENT ON COLUMN @extschema@.audit_users.user_id IS 'The user_id of this user''s own events, for audit:read:self and audit:write.';
COMMENT ON COLUMN @extschema@.audit_api_keys.user_id IS 'The user_id of the holder''s own events, for audit:read:self and audit:write.';
COMMENT ON FUNCTION @extschema@.audit_create_user(text, text, text[], bigint, text) IS
'Makes a user who can get tokens from POST /v1/auth/token. scopes: audit:read, audit:read:self, audit:write. user_id: whose events audit:read:self shows, and audit:write records unless there is audit:read as well. db_role: the database role that requests run under; the daemon''s role must be a member of it. Raises 23505 for a name in use, 28P01 for a password under 8 characters or over 72 bytes, 22023 for other wrong arguments.';

CREATE OR REPLACE FUNCTION @extschema@.audit_grant_writer(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT INSERT ON @extschema@.audit_events TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_log, @extschema@.audit_log_batch, @extschema@.audit_log_json,
                  @extschema@.audit_log_text, @extschema@.audit_find_answer, @extschema@.audit_keep_answer,
                  @extschema@.audit_make_id TO %I', role);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_grant_writer(name) IS
'Lets the role record events: audit_log(), audit_log_batch(), audit_log_json(), INSERT and COPY into audit_events. It cannot read, change or remove any. For a daemon that serves POST /v1/audit/events, besides audit_grant_frontend().';

-- Roles that could write before can write in the new ways as well.
DO $do$
DECLARE
  writer name;
BEGIN
  FOR writer IN
    SELECT r.rolname FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a, pg_catalog.pg_roles r
    WHERE p.oid OPERATOR(pg_catalog.=) '@extschema@.audit_log'::pg_catalog.regproc AND a.grantee OPERATOR(pg_catalog.=) r.oid
      AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
  LOOP
    PERFORM @extschema@.audit_grant_writer(writer);
  END LOOP;
END
$do$;

REVOKE ALL ON @extschema@.audit_id_claims, @extschema@.audit_idempotency_keys FROM PUBLIC;
REVOKE ALL ON FUNCTION
  @extschema@.audit_log_batch, @extschema@.audit_log_text, @extschema@.audit_find_answer, @extschema@.audit_keep_answer,
  @extschema@.audit_log_json
FROM PUBLIC;

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
