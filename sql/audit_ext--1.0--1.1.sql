/* audit_ext 1.0 to 1.1: writing in batches, partitions and retention, the append-only guards. Each section is a part of
   its own, in the order of docs/sql_api.md. Version 1.0's script is never changed. */
\echo Use "ALTER EXTENSION audit_ext UPDATE TO '1.1'" to load this file. \quit

-- Bodies in BEGIN ATOMIC are bound to what their names mean now: nothing of somebody else's may be found first.
SET LOCAL search_path = pg_catalog, pg_temp;

-- What callers send is Unicode: in another encoding it could not be recorded, nor be looked for.
DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'audit_ext needs a database with encoding UTF8' USING ERRCODE = 'feature_not_supported',
      DETAIL = format('The encoding of database "%s" is %s.', current_database(), current_setting('server_encoding')),
      HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
  END IF;
END
$$;

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
'Records one event and returns its id. event_group and event_type are required; of the others NULL means not given. actor_type: user where user_id or actor_id is given, else system. created_at: the time that the id holds, where one of version 7 is given, else now. id: a UUID version 7 made from created_at. An id that is given is recorded once: where there is an event with it, that id is returned and nothing else happens. Needs the right to INSERT into audit_events, not to read it. Raises 23502 without group or type, 22001 for more than 2048 bytes in a filter column, 23514 for a created_at outside the years 1970 to 9999, 22008 for one more than max_ahead of audit_configure() ahead of the clock, 42501 for event_group audit, which is the extension''s own.';

COMMENT ON FUNCTION @extschema@.audit_events_before_insert() IS
'Trigger of audit_events and its partitions: makes the id where there is none. Raises 22001 where a filter column holds '
'more than 2048 bytes, which no index entry could. Raises 54000 for an event of more than audit_ext.max_event_size bytes '
'of JSON or a payload nested more than 64 levels deep, 22003 for a number of more than 1000 digits in a payload, 42703 '
'and 42804 on a table without the columns of audit_events or with other types.';

COMMENT ON FUNCTION @extschema@.audit_make_id(timestamptz) IS
'A new event id: a UUID version 7 (RFC 9562) that holds created_at. Ids of later events sort behind those of earlier '
'ones. Raises 22008 for a time that is not in the years 1970 to 9999.';

CREATE FUNCTION @extschema@.audit_log_batch(events jsonb) RETURNS TABLE (id uuid, is_new boolean)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 100 COST 10000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_log_batch(jsonb) IS
'Records an array of events (or one event), all of them or none, and returns their ids in its order. An event is an object with any of the columns of audit_events as members, with the types and defaults of audit_log(); null means not given. created_at is RFC 3339 with an offset. is_new is false for an event that was left out, since its id was given and there is an event with it. The first wrong event is named by the error: its place, from 0, and the member, which is also the error''s column name. Raises 23502 for a missing member, 42703 for an unknown one, 22023 for a value of another type, 22001 for more than 2048 bytes in a filter column, 22003 for a number out of range or of more than 1000 digits, 22007 and 22008 for a wrong created_at, or one more than max_ahead of audit_configure() ahead of the clock, 22P02 for a wrong UUID or address, 54000 for an event of more than audit_ext.max_event_size bytes of JSON or a payload nested more than 64 levels deep.';

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
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT CASE WHEN k.sha256 = $3 THEN 201 ELSE 409 END, CASE WHEN k.sha256 = $3 THEN k.answer END
  FROM @extschema@.audit_idempotency_keys k
  WHERE k.session_role = session_user AND k.principal = $1 AND k.key = $2 AND k.created_at > now() - interval '24 hours';
END;
COMMENT ON FUNCTION @extschema@.audit_find_answer(text, text, bytea) IS
'What a request with that key was answered in the last 24 hours; status 409 if it was another one. For audit_log_json().';

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

-- A hash instead of the password: what is typed into a client gets into logs.
CREATE FUNCTION @extschema@.audit_to_password_hash(password text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF password !~ '^\$2[a-z]?\$' OR password IS NULL THEN
    PERFORM @extschema@.audit_check_password(password);
    RETURN @extschema@.audit_hash_password(password);
  END IF;
  -- As bcrypt writes it, 16 bytes of salt and 23 of hash: what cannot be one would be nobody's password.
  IF password !~ '^\$2[aby]\$1[0-2]\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$' THEN
    RAISE EXCEPTION 'password is no bcrypt hash that can be used' USING ERRCODE = 'invalid_password',
      DETAIL = 'A text that begins like a bcrypt hash is taken for one; it needs a cost of 10 to 12, 22 characters of salt and 31 of hash.',
      HINT = 'Make one with: htpasswd -nBC 10 "" | tr -d '':''';
  END IF;
  RETURN concat('$2a$', substr(password, 5));  -- three names of the same function; pgcrypto knows this one
END
$$;
COMMENT ON FUNCTION @extschema@.audit_to_password_hash(text) IS
'The bcrypt hash of a password, or the hash itself where it is one already ($2a$, $2b$ or $2y$, cost 10 to 12). Raises 28P01 for a password under 8 characters or over 72 bytes, and for a hash that cannot be used.';
REVOKE ALL ON FUNCTION @extschema@.audit_to_password_hash FROM PUBLIC;

CREATE OR REPLACE FUNCTION @extschema@.audit_create_user(
  username text, password text, scopes text[] DEFAULT ARRAY['audit:read'], user_id bigint DEFAULT NULL, db_role text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Beforehand: pgaudit and auto_explain log what the statements of functions have as parameters.
  new_hash text;
BEGIN
  PERFORM @extschema@.audit_check_principal(username, scopes, user_id, db_role);
  new_hash := @extschema@.audit_to_password_hash(password);
  INSERT INTO @extschema@.audit_users (username, password_hash, scopes, user_id, db_role) VALUES ($1, new_hash, $3, $4, $5);
END
$$;

CREATE OR REPLACE FUNCTION @extschema@.audit_set_password(username text, password text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  new_hash text := @extschema@.audit_to_password_hash(password);
BEGIN
  UPDATE @extschema@.audit_users u SET password_hash = new_hash, token_epoch = u.token_epoch + 1 WHERE u.username = $1;
  PERFORM @extschema@.audit_require_user($1, FOUND);
END
$$;

CREATE OR REPLACE FUNCTION @extschema@.audit_create_api_key(
  name text, scopes text[] DEFAULT ARRAY['audit:read'], user_id bigint DEFAULT NULL, db_role text DEFAULT NULL,
  expires_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  api_key text := @extschema@.audit_make_api_key();
  key_hash bytea := sha256(convert_to(api_key, 'UTF8'));  -- beforehand, as above
BEGIN
  PERFORM @extschema@.audit_check_principal(name, scopes, user_id, db_role);
  INSERT INTO @extschema@.audit_api_keys (name, key_sha256, scopes, user_id, db_role, expires_at) VALUES ($1, key_hash, $2, $3, $4, $5);
  RETURN api_key;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_set_password(text, text) IS
'Changes a user''s password and revokes the tokens issued so far. password: itself, or its bcrypt hash, as for audit_create_user(). Raises 42704 for no such user, 28P01 for a password under 8 characters or over 72 bytes, or a hash that cannot be used.';

COMMENT ON FUNCTION @extschema@.audit_create_user(text, text, text[], bigint, text) IS
'Makes a user who can get tokens from POST /v1/auth/token. password: itself, or its bcrypt hash ($2a$, $2b$ or $2y$, cost 10 to 12; 10 takes as long as a name that nobody has), which keeps it out of the server''s log. scopes: audit:read, audit:read:self, audit:write. user_id: whose events audit:read:self shows, and audit:write records unless there is audit:read as well. db_role: the database role that requests run under; the daemon''s role must be a member of it. Raises 23505 for a name in use, 28P01 for a password under 8 characters or over 72 bytes, or a hash that cannot be used, 22023 for other wrong arguments.';

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
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_partition(regclass) IS
'Gives a partition the guards that it has not from audit_events. audit_index_partition() and audit_maintain() call it.';

CREATE OR REPLACE FUNCTION @extschema@.audit_index_partition(partition regclass) RETURNS void
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_index_partition(regclass) IS
'Gives a partition its indexes (the primary key (created_at, id), one GIN index over the six filter columns, a partial index on ids that were not made from created_at, and a BRIN index on created_at) and its guard against TRUNCATE. For a partition attached by hand; audit_create_partition() calls it.';

-- Partitions that version 1.0 made. Those that hold events get their BRIN index from the DBA (CREATE INDEX CONCURRENTLY), since
-- making it reads all of them.
DO $$
DECLARE
  partition record;
BEGIN
  FOR partition IN
    SELECT c.oid::regclass AS name, pg_catalog.format('%I', c.relname || '_ranges') AS index_name
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r'
    WHERE i.inhparent = '@extschema@.audit_events'::regclass AND pg_catalog.pg_relation_size(c.oid) = 0
  LOOP
    EXECUTE pg_catalog.format('CREATE INDEX %s ON %s USING brin (created_at) WITH (autosummarize = on)', partition.index_name, partition.name);
  END LOOP;
END $$;
SELECT @extschema@.audit_guard_partition(i.inhrelid) FROM pg_catalog.pg_inherits i
WHERE i.inhparent OPERATOR(pg_catalog.=) '@extschema@.audit_events'::regclass;

CREATE FUNCTION @extschema@.audit_guard_command() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_command() IS
'Event trigger before every command: loads the library into the session. The library sees each object that a command '
'makes, changes or drops, and refuses with 42501 what would change recorded events or what guards them.';
CREATE FUNCTION @extschema@.audit_guard_rewrite() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_rewrite() IS
'Event trigger: refuses with 42501 a rewrite of audit_events or a partition that computes values anew.';
CREATE FUNCTION @extschema@.audit_record_command() RETURNS event_trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_record_command() IS
'Event trigger after every command: records as events audit.changed what it has changed in the trail while '
'audit_ext.allow_changes was on, and each change of policies and row-level security, which it also saves for dumps.';

-- For every command: a list of commands would have gaps. ALWAYS: under session_replication_role = replica too.
CREATE EVENT TRIGGER audit_ext_guard_command ON ddl_command_start EXECUTE FUNCTION @extschema@.audit_guard_command();
CREATE EVENT TRIGGER audit_ext_guard_rewrite ON table_rewrite EXECUTE FUNCTION @extschema@.audit_guard_rewrite();
CREATE EVENT TRIGGER audit_ext_record_command ON ddl_command_end EXECUTE FUNCTION @extschema@.audit_record_command();
ALTER EVENT TRIGGER audit_ext_guard_command ENABLE ALWAYS;
ALTER EVENT TRIGGER audit_ext_guard_rewrite ENABLE ALWAYS;
ALTER EVENT TRIGGER audit_ext_record_command ENABLE ALWAYS;

-- What kept audit_policies in 1.0: audit_record_command() does it now, by OID.
DROP EVENT TRIGGER audit_ext_save_policies;
DROP FUNCTION @extschema@.audit_save_policies(), @extschema@.audit_policy_statements();
-- An index holds no statement of more than 2,700 bytes.
ALTER TABLE @extschema@.audit_policies DROP CONSTRAINT audit_policies_pkey;
CREATE OR REPLACE FUNCTION @extschema@.audit_restore_policy() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_restore_policy() IS
'Trigger of audit_policies: runs a statement that arrives from a dump, unless it is in force already. Raises 22023 for '
'what is neither CREATE POLICY nor ALTER TABLE ... ENABLE or FORCE ROW LEVEL SECURITY.';

REVOKE ALL ON FUNCTION
  @extschema@.audit_guard, @extschema@.audit_guard_partition,
  @extschema@.audit_guard_command, @extschema@.audit_guard_rewrite, @extschema@.audit_record_command
FROM PUBLIC;

-------------------------------------------------------------------------------------------------------------------
-- Dumps: the events of the default partition. pg_dump 15 crashes where it is to dump the data of an extension's partition and
-- not the extension (-n, -t): it has not looked for the partition's parent. So they are dumped as those of a table that is
-- no partition, and recorded when they arrive there from a dump, in whatever partition there is for them then.
-------------------------------------------------------------------------------------------------------------------

-- Takes it off the list of what is dumped.
ALTER EXTENSION audit_ext DROP TABLE @extschema@.audit_events_default;
ALTER EXTENSION audit_ext ADD TABLE @extschema@.audit_events_default;

CREATE TABLE @extschema@.audit_events_dump (LIKE @extschema@.audit_events);
COMMENT ON TABLE @extschema@.audit_events_dump IS
'How the events of the default partition pass through a dump: pg_dump reads them for it, and what arrives is recorded in audit_events. Empty, but for what pg_restore --disable-triggers leaves there until the next audit_maintain().';
-- pg_dump puts this condition behind SELECT ... FROM audit_events_dump.
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_events_dump', pg_catalog.format(
  'UNION ALL SELECT %s FROM ONLY @extschema@.audit_events_default',
  (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
   WHERE a.attrelid OPERATOR(pg_catalog.=) '@extschema@.audit_events_dump'::pg_catalog.regclass
     AND a.attnum OPERATOR(pg_catalog.>) 0)));

CREATE FUNCTION @extschema@.audit_record_dumped() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO @extschema@.audit_events SELECT NEW.*;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_record_dumped() IS
'Trigger of audit_events_dump: records an event that arrives from a dump in audit_events.';
CREATE TRIGGER audit_record_dumped BEFORE INSERT ON @extschema@.audit_events_dump
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_record_dumped();

REVOKE ALL ON @extschema@.audit_events_dump FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.audit_record_dumped FROM PUBLIC;

-------------------------------------------------------------------------------------------------------------------
-- Logical replication: a subscriber makes its own partitions, so changes must come as those of audit_events
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_check_publication() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- From the catalogs: nobody's command may fail for want of a right on this schema, or since it was renamed.
  events regclass := (SELECT c.oid FROM pg_extension e JOIN pg_class c ON c.relnamespace = e.extnamespace
                      WHERE e.extname = 'audit_ext' AND c.relname = 'audit_events');
  publication record;
BEGIN
  FOR publication IN
    WITH touched AS (SELECT c.classid, c.objid FROM pg_event_trigger_ddl_commands() c),
    trail AS (
      SELECT r.prpubid AS publication, r.oid, r.prrelid = events AS is_root, 'pg_publication_rel'::regclass AS catalog
      FROM pg_publication_rel r WHERE r.prrelid IN (SELECT t.relid FROM pg_partition_tree(events) t)
      UNION ALL
      SELECT n.pnpubid, n.oid, false, 'pg_publication_namespace'::regclass
      FROM pg_publication_namespace n JOIN pg_class c ON c.relnamespace = n.pnnspid AND c.oid = events
      UNION ALL
      SELECT p.oid, NULL, false, NULL FROM pg_publication p WHERE p.puballtables AND events IS NOT NULL)
    SELECT p.pubname FROM pg_publication p JOIN trail t ON t.publication = p.oid
    GROUP BY p.oid
    HAVING NOT (bool_and(t.is_root) AND p.pubviaroot AND p.pubinsert AND NOT p.pubupdate AND NOT p.pubdelete AND NOT p.pubtruncate)
      AND (p.oid IN (SELECT c.objid FROM touched c WHERE c.classid = 'pg_publication'::regclass)
           OR bool_or((t.catalog, t.oid) IN (SELECT c.classid, c.objid FROM touched c)))
  LOOP
    RAISE WARNING 'publication "%" of the audit trail will not go well', publication.pubname USING
      DETAIL = 'Maintenance makes, fills and drops partitions, which a subscriber has not got, or has made itself: it stops, or misses events.',
      HINT = format('CREATE PUBLICATION ... FOR TABLE %s WITH (publish = ''insert'', publish_via_partition_root = true).', events);
  END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_check_publication() IS
'Event trigger: warns of a publication that has audit_events or a partition in it in another way than FOR TABLE audit_events WITH (publish = ''insert'', publish_via_partition_root = true).';
CREATE EVENT TRIGGER audit_ext_check_publication ON ddl_command_end WHEN TAG IN ('CREATE PUBLICATION', 'ALTER PUBLICATION')
EXECUTE FUNCTION @extschema@.audit_check_publication();
REVOKE ALL ON FUNCTION @extschema@.audit_check_publication FROM PUBLIC;

-------------------------------------------------------------------------------------------------------------------
-- Partitions and retention: what is wanted
-------------------------------------------------------------------------------------------------------------------

CREATE TABLE @extschema@.audit_configuration (
  partition_every  text     NOT NULL,
  keep             interval,
  premake          integer  NOT NULL,
  max_ahead        interval NOT NULL DEFAULT '1 day',
  is_configuration boolean  NOT NULL DEFAULT true,
  CONSTRAINT audit_configuration_pkey PRIMARY KEY (is_configuration),
  CONSTRAINT audit_configuration_one_row CHECK (is_configuration)
);
COMMENT ON TABLE @extschema@.audit_configuration IS 'What audit_configure() was told; no row: its defaults.';
COMMENT ON COLUMN @extschema@.audit_configuration.partition_every IS 'How much time a partition is for: month, week (from Monday) or day, in UTC.';
COMMENT ON COLUMN @extschema@.audit_configuration.keep IS 'How long events are kept, at least; NULL: for ever.';
COMMENT ON COLUMN @extschema@.audit_configuration.premake IS 'How many partitions are made ahead of the current one.';
COMMENT ON COLUMN @extschema@.audit_configuration.max_ahead IS 'How far ahead of the clock created_at of a new event may be.';
COMMENT ON COLUMN @extschema@.audit_configuration.is_configuration IS 'true: there is one row at most.';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_configuration', '');

CREATE TABLE @extschema@.audit_holds (
  id           bigint      GENERATED BY DEFAULT AS IDENTITY,
  since        timestamptz,
  until        timestamptz,
  reason       text        NOT NULL,
  held_by      text        NOT NULL DEFAULT session_user,
  held_at      timestamptz NOT NULL DEFAULT pg_catalog.now(),
  released_by  text,
  released_at  timestamptz,
  CONSTRAINT audit_holds_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE @extschema@.audit_holds IS 'Legal holds: what audit_maintain() must not drop. Made by audit_hold(), ended by audit_release().';
COMMENT ON COLUMN @extschema@.audit_holds.id IS 'What audit_hold() returned.';
COMMENT ON COLUMN @extschema@.audit_holds.since IS 'Events from then on (inclusive); NULL: from the first.';
COMMENT ON COLUMN @extschema@.audit_holds.until IS 'Events before then (exclusive); NULL: to the last.';
COMMENT ON COLUMN @extschema@.audit_holds.reason IS 'Why.';
COMMENT ON COLUMN @extschema@.audit_holds.held_by IS 'Who asked for it.';
COMMENT ON COLUMN @extschema@.audit_holds.held_at IS 'When.';
COMMENT ON COLUMN @extschema@.audit_holds.released_by IS 'Who released it.';
COMMENT ON COLUMN @extschema@.audit_holds.released_at IS 'When it was released; NULL: it is in force.';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_holds', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_holds_id_seq', '');

CREATE TABLE @extschema@.audit_maintenance (
  began_at       timestamptz NOT NULL,
  succeeded_at   timestamptz,
  error          text,
  is_maintenance boolean     NOT NULL DEFAULT true,
  CONSTRAINT audit_maintenance_pkey PRIMARY KEY (is_maintenance),
  CONSTRAINT audit_maintenance_one_row CHECK (is_maintenance)
);
COMMENT ON TABLE @extschema@.audit_maintenance IS 'The last run of audit_maintain(); audit_status shows it. Not dumped.';
COMMENT ON COLUMN @extschema@.audit_maintenance.began_at IS 'When the last run began.';
COMMENT ON COLUMN @extschema@.audit_maintenance.succeeded_at IS 'When a run last ended without an error.';
COMMENT ON COLUMN @extschema@.audit_maintenance.error IS 'What the last run could not do; NULL: nothing.';
COMMENT ON COLUMN @extschema@.audit_maintenance.is_maintenance IS 'true: there is one row at most.';

-- The small tables are read in C++, past the planner: if one of them is given to somebody else, that role could otherwise have
-- an expression evaluated with the rights of who reads it.
CREATE FUNCTION @extschema@.audit_effective_configuration(
  OUT partition_every text, OUT keep interval, OUT premake integer, OUT max_ahead interval)
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_effective_configuration() IS 'What audit_configure() was told, or its defaults.';

-- These three work with the rights of the owners of the tables that they change.
CREATE FUNCTION @extschema@.audit_configure(
  partition_every text DEFAULT 'month', keep interval DEFAULT NULL, premake integer DEFAULT 3,
  max_ahead interval DEFAULT '1 day')
RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_configure(text, interval, integer, interval) IS
'Says how audit_maintain() partitions, how long it keeps events, and which events are taken. partition_every: month, week or '
'day. keep: events are kept at least that long, NULL (the default): for ever. premake: how many partitions are made ahead. '
'max_ahead: how far ahead of the clock created_at of a new event may be, a minute at least. What is left out gets its '
'default. Recorded as an event. Raises 22023 for wrong arguments, such as keep shorter than a partition.';

CREATE FUNCTION @extschema@.audit_hold(since timestamptz, until timestamptz, reason text) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_hold(timestamptz, timestamptz, text) IS
'A legal hold: audit_maintain() drops no partition that may have events of since <= created_at < until (NULL: that end is '
'open), whatever audit_configure() was told, until audit_release(). Returns its id. Recorded as an event. Raises 22023 for a '
'range that is none and without a reason.';

CREATE FUNCTION @extschema@.audit_release(id bigint) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_release(bigint) IS
'Ends a hold; the record of it stays. Recorded as an event. Raises 42704 where no hold of that id is in force.';

-------------------------------------------------------------------------------------------------------------------
-- Partitions and retention: what is there, and what is missing
-------------------------------------------------------------------------------------------------------------------

-- The functions of this section are bound to what they call when they are made (BEGIN ATOMIC): no other function of the same
-- name and no renamed schema leads them elsewhere.

-- With a fixed style, since bounds come as text: other styles write time zones that can be read in two ways.
CREATE FUNCTION @extschema@.audit_partitions(parent regclass DEFAULT '@extschema@.audit_events')
RETURNS TABLE (partition regclass, since timestamptz, until timestamptz, is_default boolean, bytes bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET timezone = 'UTC'
BEGIN ATOMIC
  SELECT c.oid::regclass,
    CASE WHEN NOT b.is_default THEN coalesce(substring(b.bounds FROM $re$FROM \('([^']*)'\)$re$)::timestamptz, '-infinity') END,
    CASE WHEN NOT b.is_default THEN coalesce(substring(b.bounds FROM $re$TO \('([^']*)'\)$re$)::timestamptz, 'infinity') END,
    b.is_default, pg_total_relation_size(c.oid)
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
       LATERAL (SELECT e, e = 'DEFAULT' FROM pg_get_expr(c.relpartbound, c.oid) e) b(bounds, is_default)
  WHERE i.inhparent = parent ORDER BY 2 NULLS LAST;
END;
COMMENT ON FUNCTION @extschema@.audit_partitions(regclass) IS
'The partitions of audit_events: which events (since <= created_at < until) and how many bytes each holds, oldest first, the default partition last.';

CREATE FUNCTION @extschema@.audit_period_start(moment timestamptz, ahead integer) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT (date_trunc(c.partition_every, moment AT TIME ZONE 'UTC') + ahead * ('1 ' || c.partition_every)::interval) AT TIME ZONE 'UTC'
  FROM @extschema@.audit_effective_configuration() c;
END;
COMMENT ON FUNCTION @extschema@.audit_period_start(timestamptz, integer) IS
'When the month, week or day (partition_every) begins that the moment is in, or one that many ahead.';

CREATE FUNCTION @extschema@.audit_made_until() RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT @extschema@.audit_period_start(now(), c.premake + 1) FROM @extschema@.audit_effective_configuration() c;
END;
COMMENT ON FUNCTION @extschema@.audit_made_until() IS
'Until when audit_maintain() makes partitions. Later events stay in the default partition.';

CREATE FUNCTION @extschema@.audit_gaps(since timestamptz, until timestamptz) RETURNS SETOF tstzrange
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT unnest(tstzmultirange(tstzrange($1, $2)) - coalesce(range_agg(tstzrange(p.since, p.until)), '{}'))
  FROM @extschema@.audit_partitions('@extschema@.audit_events'::regclass) p WHERE NOT p.is_default;
END;
COMMENT ON FUNCTION @extschema@.audit_gaps(timestamptz, timestamptz) IS 'The parts of that time for which there is no partition.';

CREATE FUNCTION @extschema@.audit_gap_bounds(since timestamptz, until timestamptz) RETURNS timestamptz[]
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(array_agg(b.bound ORDER BY b.bound), '{}')
  FROM @extschema@.audit_gaps($1, $2) g, LATERAL (VALUES (lower(g)), (upper(g))) b(bound);
END;
COMMENT ON FUNCTION @extschema@.audit_gap_bounds(timestamptz, timestamptz) IS
'audit_gaps() as pairs of since and until, for C++.';

CREATE FUNCTION @extschema@.audit_due_partitions() RETURNS SETOF tstzrange
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT g FROM @extschema@.audit_effective_configuration() c, generate_series(0, c.premake) n,
    @extschema@.audit_gaps(@extschema@.audit_period_start(now(), n), @extschema@.audit_period_start(now(), n + 1)) g
  ORDER BY n, g;
END;
COMMENT ON FUNCTION @extschema@.audit_due_partitions() IS
'The partitions that should be there, from the current one to those made ahead, and are not.';

CREATE FUNCTION @extschema@.audit_due_bounds() RETURNS timestamptz[]
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(array_agg(b.bound ORDER BY b.bound), '{}')
  FROM @extschema@.audit_due_partitions() d, LATERAL (VALUES (lower(d)), (upper(d))) b(bound);
END;
COMMENT ON FUNCTION @extschema@.audit_due_bounds() IS 'audit_due_partitions() as pairs of since and until, for C++.';

CREATE FUNCTION @extschema@.audit_count_holds(since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_count_holds(timestamptz, timestamptz) IS
'How many holds in force are for a part of that time; NULL: that end is open.';

CREATE FUNCTION @extschema@.audit_expired_partitions() RETURNS SETOF regclass
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT p.partition FROM @extschema@.audit_partitions('@extschema@.audit_events'::regclass) p, @extschema@.audit_effective_configuration() c
  WHERE p.until <= (now() AT TIME ZONE 'UTC' - c.keep) AT TIME ZONE 'UTC' AND @extschema@.audit_count_holds(p.since, p.until) = 0
  ORDER BY p.since;
END;
COMMENT ON FUNCTION @extschema@.audit_expired_partitions() IS
'The partitions all of whose events are older than keep, and which no hold protects.';

CREATE FUNCTION @extschema@.audit_next_expired() RETURNS oid
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce((SELECT e::oid FROM @extschema@.audit_expired_partitions() e LIMIT 1), 0::oid);
END;
COMMENT ON FUNCTION @extschema@.audit_next_expired() IS 'The oldest of audit_expired_partitions(); 0: there is none.';

CREATE FUNCTION @extschema@.audit_count_default_events(since timestamptz) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_count_default_events(timestamptz) IS
'How many events of the default partition there are from then on, counted up to 1000.';
CREATE FUNCTION @extschema@.audit_oldest_default_event() RETURNS timestamptz
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_oldest_default_event() IS 'created_at of the oldest event of the default partition.';
CREATE FUNCTION @extschema@.audit_oldest_event() RETURNS timestamptz
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_oldest_event() IS
'created_at of the oldest event, looked up with the rights of the owner of audit_events.';
CREATE FUNCTION @extschema@.audit_last_run(OUT began_at timestamptz, OUT succeeded_at timestamptz, OUT error text)
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_last_run() IS 'The row of audit_maintenance, or NULLs.';

CREATE FUNCTION @extschema@.audit_is_preloaded() RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT bool_or(trim(both ' "' FROM l) IN ('audit_ext', '$libdir/audit_ext'))
  FROM regexp_split_to_table(current_setting('shared_preload_libraries') || ','
                             || current_setting('session_preload_libraries'), ',') l;
END;
COMMENT ON FUNCTION @extschema@.audit_is_preloaded() IS
'Whether the server, or the settings of this session, load the library into every session.';

CREATE FUNCTION @extschema@.audit_guard_gaps() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT string_agg(g.gap, '; ' ORDER BY g.gap)
  FROM (SELECT 'event trigger ' || e.evtname || ' does not always fire' FROM pg_event_trigger e
        WHERE e.evtenabled <> 'A' AND e.evtfoid IN ('@extschema@.audit_guard_command()'::regprocedure,
          '@extschema@.audit_guard_rewrite()'::regprocedure, '@extschema@.audit_record_command()'::regprocedure)
        UNION ALL
        SELECT t.relid::regclass::text || ' has no guards' FROM pg_partition_tree('@extschema@.audit_events'::regclass) t
        JOIN pg_class c ON c.oid = t.relid AND c.relkind <> 'f'
        WHERE (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = t.relid AND g.tgenabled = 'A'
               AND g.tgfoid = '@extschema@.audit_guard()'::regprocedure) < 2
        UNION ALL
        SELECT 'not preloaded: a session that has only emptied a table or altered an event trigger is not guarded'
        WHERE NOT @extschema@.audit_is_preloaded()) g(gap);
END;
COMMENT ON FUNCTION @extschema@.audit_guard_gaps() IS 'What the append-only guards do not cover; NULL: nothing that they could.';

CREATE FUNCTION @extschema@.audit_read_status()
RETURNS TABLE (partition_every text, keep interval, premake integer, last_run timestamptz, last_success timestamptz, last_error text,
  partitions bigint, oldest_event timestamptz, next_missing timestamptz, expired_partitions bigint, default_events bigint,
  holds bigint, bytes numeric, is_behind boolean, max_ahead interval, later_events bigint,
  is_preloaded boolean, guard_gaps text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT s.partition_every, s.keep, s.premake, s.last_run, s.last_success, s.last_error, s.partitions, s.oldest_event, s.next_missing,
    s.expired_partitions, s.default_events, s.holds, s.bytes,
    coalesce(s.last_run IS NOT NULL AND (s.last_error IS NOT NULL OR s.next_missing IS NOT NULL OR s.expired_partitions > 0
      OR @extschema@.audit_oldest_default_event() < s.made_until), false),
    s.max_ahead, @extschema@.audit_count_default_events(s.made_until),
    @extschema@.audit_is_preloaded(), @extschema@.audit_guard_gaps()
  FROM (
    SELECT c.partition_every, c.keep, c.premake, c.max_ahead, m.began_at, m.succeeded_at, m.error, p.partitions,
      @extschema@.audit_oldest_event(), (SELECT min(lower(d)) FROM @extschema@.audit_due_partitions() d),
      (SELECT count(*) FROM @extschema@.audit_expired_partitions()), @extschema@.audit_count_default_events('-infinity'),
      @extschema@.audit_count_holds(NULL, NULL), p.bytes, @extschema@.audit_made_until()
    FROM @extschema@.audit_effective_configuration() c, @extschema@.audit_last_run() m,
      (SELECT count(*), sum(a.bytes) FROM @extschema@.audit_partitions('@extschema@.audit_events'::regclass) a) p(partitions, bytes)
  ) s(partition_every, keep, premake, max_ahead, last_run, last_success, last_error, partitions, oldest_event, next_missing,
      expired_partitions, default_events, holds, bytes, made_until);
END;
COMMENT ON FUNCTION @extschema@.audit_read_status() IS 'What audit_status shows.';

CREATE VIEW @extschema@.audit_status AS SELECT * FROM @extschema@.audit_read_status();
COMMENT ON VIEW @extschema@.audit_status IS 'How partitions and retention stand: one row. For people, checks and metrics.';
COMMENT ON COLUMN @extschema@.audit_status.partition_every IS 'As configured: month, week or day.';
COMMENT ON COLUMN @extschema@.audit_status.keep IS 'As configured: how long events are kept; NULL: for ever.';
COMMENT ON COLUMN @extschema@.audit_status.premake IS 'As configured: partitions made ahead.';
COMMENT ON COLUMN @extschema@.audit_status.last_run IS 'When audit_maintain() last began; NULL: never.';
COMMENT ON COLUMN @extschema@.audit_status.last_success IS 'When it last did all there was to do.';
COMMENT ON COLUMN @extschema@.audit_status.last_error IS 'What its last run could not do, and why; NULL: nothing.';
COMMENT ON COLUMN @extschema@.audit_status.partitions IS 'How many there are, with the default partition.';
COMMENT ON COLUMN @extschema@.audit_status.oldest_event IS 'created_at of the oldest event.';
COMMENT ON COLUMN @extschema@.audit_status.next_missing IS 'From when on a partition is missing that should be there; NULL: none.';
COMMENT ON COLUMN @extschema@.audit_status.expired_partitions IS 'Partitions that the next run will drop.';
COMMENT ON COLUMN @extschema@.audit_status.default_events IS 'Events in the default partition, counted up to 1000.';
COMMENT ON COLUMN @extschema@.audit_status.holds IS 'Legal holds in force.';
COMMENT ON COLUMN @extschema@.audit_status.bytes IS 'Size of all partitions with their indexes.';
COMMENT ON COLUMN @extschema@.audit_status.is_behind IS 'Whether there is work that maintenance should have done; false where it was never run.';
COMMENT ON COLUMN @extschema@.audit_status.max_ahead IS 'As configured: how far ahead of the clock a new event may be.';
COMMENT ON COLUMN @extschema@.audit_status.later_events IS
'Of default_events those that are later than the partitions that are made ahead, counted up to 1000: they stay where they are until their time comes nearer.';
COMMENT ON COLUMN @extschema@.audit_status.is_preloaded IS
'Whether every session has the library that guards the trail, by shared_preload_libraries or session_preload_libraries.';
COMMENT ON COLUMN @extschema@.audit_status.guard_gaps IS
'What the append-only guards do not cover, such as a partition without triggers; NULL: nothing that they could.';

-------------------------------------------------------------------------------------------------------------------
-- Partitions and retention: the work
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_partition_name(since timestamptz) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT 'audit_events_' || to_char(t, CASE WHEN t = date_trunc('day', t) THEN 'YYYYMMDD' ELSE 'YYYYMMDD"t"HH24MISSUS' END)
  FROM (SELECT since AT TIME ZONE 'UTC') s(t);
END;
COMMENT ON FUNCTION @extschema@.audit_partition_name(timestamptz) IS 'The name of the partition that begins then.';

CREATE OR REPLACE FUNCTION @extschema@.audit_create_partition(since timestamptz, until timestamptz) RETURNS regclass
LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';

CREATE FUNCTION @extschema@.audit_cancel_autovacuum(worked_on regclass) RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
  SELECT count(pg_cancel_backend(l.pid)) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.relation = worked_on AND a.datname = current_database() AND a.backend_type = 'autovacuum worker';
END;
COMMENT ON FUNCTION @extschema@.audit_cancel_autovacuum(regclass) IS
'Makes autovacuum give way on this table at once, as it does to those who have waited for it for a second. Returns how many workers it was.';

CREATE FUNCTION @extschema@.audit_mirror() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_mirror() IS
'Trigger of the default partition while its events are moved: copies a new one to where it will be.';

CREATE FUNCTION @extschema@.audit_run_step(step text) RETURNS text
LANGUAGE c STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_run_step(text) IS
'Runs one step of audit_maintain(), for tests of what may happen between two of them: guard_partitions, record_left, move_begin, move_copy, '
'move_analyze, move_wait, move_finish, move_clean, create_due, drop_expired, flush_past. Each proves by itself that the one '
'before it was done. Returns done, more (to be called again), busy, nothing (to move) or '
'again (from move_begin on). Raises 55P03 for a lock that is not to be had within 40 ms.';

CREATE PROCEDURE @extschema@.audit_maintain()
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE @extschema@.audit_maintain() IS
'Makes the partitions that are due, moves events out of the default partition, and drops partitions past keep, as '
'audit_configure() was told; empties the pending lists of past partitions; gives partitions the owner of audit_events. For a '
'scheduler: CALL it outside of a transaction, as often as you like; a second one at the same time does nothing but say so. '
'Nobody waits for it for more than some 40 ms. Raises 55000 if something could not be done, after all the rest.';

CREATE FUNCTION @extschema@.audit_grant_maintainer(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT SELECT ON @extschema@.audit_status TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_read_status TO %I', role);
  EXECUTE format('GRANT EXECUTE ON PROCEDURE @extschema@.audit_maintain TO %I', role);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_grant_maintainer(name) IS
'Lets the role CALL audit_maintain() and read audit_status: for a scheduler. It can change neither the configuration nor holds, and reads no events.';

REVOKE ALL ON @extschema@.audit_configuration, @extschema@.audit_holds, @extschema@.audit_maintenance, @extschema@.audit_status FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.audit_maintain FROM PUBLIC;
REVOKE ALL ON FUNCTION
  @extschema@.audit_effective_configuration, @extschema@.audit_configure, @extschema@.audit_hold, @extschema@.audit_release,
  @extschema@.audit_partitions, @extschema@.audit_period_start, @extschema@.audit_made_until, @extschema@.audit_gaps,
  @extschema@.audit_gap_bounds, @extschema@.audit_due_partitions, @extschema@.audit_due_bounds, @extschema@.audit_count_holds,
  @extschema@.audit_expired_partitions, @extschema@.audit_next_expired, @extschema@.audit_count_default_events,
  @extschema@.audit_oldest_default_event, @extschema@.audit_oldest_event, @extschema@.audit_last_run,
  @extschema@.audit_is_preloaded, @extschema@.audit_guard_gaps, @extschema@.audit_read_status, @extschema@.audit_partition_name, @extschema@.audit_cancel_autovacuum,
  @extschema@.audit_mirror, @extschema@.audit_run_step, @extschema@.audit_grant_maintainer
FROM PUBLIC;

--------------------------------------------------------------------------------------------------------------------
-- The filter index: fastupdate
--------------------------------------------------------------------------------------------------------------------

-- The posting engine reads pending lists, so filter indexes may have them: about twice as many events inserted a second
-- as without. At 512 kB, some 3,000 events, reading a full list costs a page 30 microseconds; larger ones win little more.
DO $$
DECLARE
  filter_index regclass;
BEGIN
  FOR filter_index IN
    SELECT i.indexrelid FROM pg_catalog.pg_inherits h
    JOIN pg_catalog.pg_index i ON i.indrelid = h.inhrelid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
    JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname = 'gin'
    WHERE h.inhparent = '@extschema@.audit_events'::regclass
  LOOP
    EXECUTE pg_catalog.format('ALTER INDEX %s SET (fastupdate = on, gin_pending_list_limit = 512)', filter_index);
  END LOOP;
END $$;

COMMENT ON FUNCTION @extschema@.audit_explain(text, text, text, bigint, text, text, text, integer, timestamptz, timestamptz) IS
'How audit_list() with these arguments finds its page: engine (posting or sql), reason (why sql), events and has_more of the page; and what the posting engine read for it: partitions_opened, index_pages_read, pending_entries_read, tids_decoded, keys_walked, block_ranges_read, heap_tuples_fetched. Arguments, rights and errors as for audit_list().';
ALTER FUNCTION @extschema@.audit_explain(text, text, text, bigint, text, text, text, integer, timestamptz, timestamptz) ROWS 10;

-------------------------------------------------------------------------------------------------------------------
-- Users by client certificate
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_authenticate_certificate(common_name text)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role
  FROM @extschema@.audit_users u WHERE u.username = $1;
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_certificate(text) IS
'The user whose name is the common name of a client certificate, or no row. The caller has verified the certificate. For the daemon.';
REVOKE ALL ON FUNCTION @extschema@.audit_authenticate_certificate FROM PUBLIC;

-------------------------------------------------------------------------------------------------------------------
-- Passwords that are no parameter of a statement: those get into logs (pgaudit, auto_explain, debug_print_plan)
-------------------------------------------------------------------------------------------------------------------

DO $do$
BEGIN
  EXECUTE pg_catalog.format($sql$
    CREATE FUNCTION @extschema@.audit_password_salt(username text) RETURNS text
    LANGUAGE sql VOLATILE STRICT SECURITY DEFINER BEGIN ATOMIC
      SELECT coalesce((SELECT pg_catalog."left"(u.password_hash, 29) FROM @extschema@.audit_users u
                       WHERE u.username OPERATOR(pg_catalog.=) $1), %I.gen_salt('bf', 10));
    END
  $sql$, (SELECT n.nspname FROM pg_catalog.pg_extension e
          JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
          WHERE e.extname OPERATOR(pg_catalog.=) 'pgcrypto'));
END
$do$;
COMMENT ON FUNCTION @extschema@.audit_password_salt(text) IS
'What bcrypt needs beside the password to make the user''s hash: $2a$, cost, $ and 22 characters. For a name that nobody has a random one of cost 10. For the daemon.';

CREATE FUNCTION @extschema@.audit_authenticate_proof(username text, proof bytea)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, token_epoch integer)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role, u.token_epoch
  FROM @extschema@.audit_users u WHERE u.username = $1 AND sha256(convert_to(u.password_hash, 'UTF8')) = $2;
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_proof(text, bytea) IS
'The user with that name, if proof is SHA-256 of the bcrypt hash, as text, that the password has with audit_password_salt(); or no row. scope: space separated. token_epoch: to be put into the token. Whoever reads a proof, in a log for example, can neither log in with it nor find the password without the salt. For the daemon.';

-- Those of version 1.0, bound to what they call as well.
CREATE OR REPLACE FUNCTION @extschema@.audit_authenticate_password(username text, password text)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, token_epoch integer)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  -- MATERIALIZED: the hash is made for an unknown name too, of nobody's password, so that both take as long.
  WITH candidate AS MATERIALIZED (
    SELECT u.* FROM (VALUES (1)) one LEFT JOIN @extschema@.audit_users u ON u.username = $1),
  checked AS MATERIALIZED (
    SELECT c.*, @extschema@.audit_is_password($2,
      coalesce(c.password_hash, '$2a$10$abcdefghijklmnopqrstuuYRGjyvzj1HFK02sK5zCMhQ6N2Z1kYRi'::text)) AS is_right
    FROM candidate c)
  SELECT 'user:' || c.username, c.user_id, array_to_string(c.scopes, ' '), c.db_role, c.token_epoch
  FROM checked c WHERE c.is_right AND c.username IS NOT NULL AND octet_length($2) <= 72;
END;
CREATE OR REPLACE FUNCTION @extschema@.audit_authenticate_token(username text, token_epoch integer)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role
  FROM @extschema@.audit_users u WHERE u.username = $1 AND u.token_epoch = $2;
END;
CREATE OR REPLACE FUNCTION @extschema@.audit_authenticate_api_key(key_sha256 bytea)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, expires_at timestamptz)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'api_key:' || k.name, k.user_id, array_to_string(k.scopes, ' '), k.db_role, k.expires_at
  FROM @extschema@.audit_api_keys k
  WHERE k.key_sha256 = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_password(text, text) IS
'The user with that name and password, or no row; columns as of audit_authenticate_proof(). Takes about 70 ms of one core, by design of bcrypt. The password is a parameter, which logs may show: the daemon uses audit_password_salt() and audit_authenticate_proof() instead.';
REVOKE ALL ON FUNCTION @extschema@.audit_password_salt, @extschema@.audit_authenticate_proof FROM PUBLIC;

CREATE OR REPLACE FUNCTION @extschema@.audit_grant_frontend(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT SELECT ON @extschema@.audit_events TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_list_json, @extschema@.audit_get_json,
                  @extschema@.audit_password_salt, @extschema@.audit_authenticate_proof,
                  @extschema@.audit_authenticate_password, @extschema@.audit_authenticate_token,
                  @extschema@.audit_authenticate_api_key, @extschema@.audit_authenticate_certificate,
                  @extschema@.audit_read_status TO %I', role);
  IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
    -- What callers send comes as parameters of a statement, which need not get into the server's log with it.
    EXECUTE format('ALTER ROLE %I SET log_parameter_max_length = 0', role);
    EXECUTE format('ALTER ROLE %I SET log_parameter_max_length_on_error = 0', role);
  ELSE
    RAISE WARNING 'parameters of the statements of "%" may be logged', role USING
      DETAIL = 'Only a superuser can set log_parameter_max_length for a role.',
      HINT = format('As a superuser: ALTER ROLE %I SET log_parameter_max_length = 0', role);
  END IF;
END
$$;

-- The front ends of version 1.0 go on.
DO $$
DECLARE
  frontend name;
BEGIN
  FOR frontend IN
    SELECT r.rolname
    FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a, pg_catalog.pg_roles r
    WHERE p.oid OPERATOR(pg_catalog.=) '@extschema@.audit_authenticate_token(text, integer)'::regprocedure
      AND r.oid OPERATOR(pg_catalog.=) a.grantee AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION @extschema@.audit_authenticate_certificate, @extschema@.audit_password_salt,
                              @extschema@.audit_authenticate_proof, @extschema@.audit_read_status TO %I', frontend);
  END LOOP;
END
$$;
