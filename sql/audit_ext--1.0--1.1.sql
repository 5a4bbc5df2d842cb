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

COMMENT ON FUNCTION @extschema@.audit_make_id(timestamptz) IS
'A new event id: a UUID version 7 (RFC 9562) that holds created_at. Ids of later events sort behind those of earlier '
'ones. Raises 22008 for a time that is not in the years 1970 to 9999.';

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
                  WITH (fastupdate = on, gin_pending_list_limit = 512)', partition_name || '_filters', partition);
  EXECUTE format('CREATE INDEX %I ON %s (id) WHERE NOT @extschema@.audit_id_matches(id, created_at)',
                 partition_name || '_foreign_id', partition);
  EXECUTE format('CREATE INDEX %I ON %s USING brin (created_at) WITH (autosummarize = on)', partition_name || '_ranges', partition);
  PERFORM @extschema@.audit_guard_partition(partition);
END
$$;
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
  -- NULL where the schema was renamed: nobody's command may fail for this.
  events regclass := to_regclass('@extschema@.audit_events');
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
  is_configuration boolean  NOT NULL DEFAULT true,
  CONSTRAINT audit_configuration_pkey PRIMARY KEY (is_configuration),
  CONSTRAINT audit_configuration_one_row CHECK (is_configuration)
);
COMMENT ON TABLE @extschema@.audit_configuration IS 'What audit_configure() was told; no row: its defaults.';
COMMENT ON COLUMN @extschema@.audit_configuration.partition_every IS 'How much time a partition is for: month, week (from Monday) or day, in UTC.';
COMMENT ON COLUMN @extschema@.audit_configuration.keep IS 'How long events are kept, at least; NULL: for ever.';
COMMENT ON COLUMN @extschema@.audit_configuration.premake IS 'How many partitions are made ahead of the current one.';
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

CREATE FUNCTION @extschema@.audit_effective_configuration(OUT partition_every text, OUT keep interval, OUT premake integer)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(max(c.partition_every), 'month'), max(c.keep), coalesce(max(c.premake), 3) FROM @extschema@.audit_configuration c
$$;
COMMENT ON FUNCTION @extschema@.audit_effective_configuration() IS 'What audit_configure() was told, or its defaults.';

CREATE FUNCTION @extschema@.audit_configure(
  partition_every text DEFAULT 'month', keep interval DEFAULT NULL, premake integer DEFAULT 3)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF partition_every IS NULL OR partition_every NOT IN ('month', 'week', 'day') THEN
    RAISE EXCEPTION 'partition_every is wrong' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got %s.', coalesce(quote_literal(partition_every), 'NULL')), HINT = 'Pass month, week or day.';
  END IF;
  IF keep < ('1 ' || partition_every)::interval THEN
    RAISE EXCEPTION 'keep is shorter than a partition' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got %s, and a partition is for one %s.', keep, partition_every),
      HINT = 'Events leave by whole partitions: keep them longer, use shorter partitions, or pass NULL to keep them for ever.';
  END IF;
  IF premake IS NULL OR premake NOT BETWEEN 1 AND 366 THEN
    RAISE EXCEPTION 'premake is wrong' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got %s.', coalesce(premake::text, 'NULL')), HINT = 'Pass how many partitions to make ahead: 1 to 366.';
  END IF;
  INSERT INTO @extschema@.audit_configuration AS c (partition_every, keep, premake) VALUES ($1, $2, $3)
  ON CONFLICT ON CONSTRAINT audit_configuration_pkey
  DO UPDATE SET partition_every = excluded.partition_every, keep = excluded.keep, premake = excluded.premake;
  PERFORM @extschema@.audit_record('audit.configured', 'configuration', NULL,
    jsonb_build_object('partition_every', $1, 'keep', $2, 'premake', $3));
END
$$;
COMMENT ON FUNCTION @extschema@.audit_configure(text, interval, integer) IS
'Says how audit_maintain() partitions and how long it keeps events. partition_every: month, week or day. keep: events are kept at least that long, NULL (the default): for ever. premake: how many partitions are made ahead. What is left out gets its default. Recorded as an event. Raises 22023 for wrong arguments, such as keep shorter than a partition.';

CREATE FUNCTION @extschema@.audit_hold(since timestamptz, until timestamptz, reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  hold_id bigint;
BEGIN
  IF since >= until THEN
    RAISE EXCEPTION 'a hold needs a time range' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got since %s and until %s.', since, until),
      HINT = 'Pass since (inclusive) before until (exclusive); NULL leaves that end open.';
  END IF;
  IF coalesce(reason, '') = '' THEN
    RAISE EXCEPTION 'a hold needs a reason' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Say for whom or what it is, such as the number of the case.';
  END IF;
  INSERT INTO @extschema@.audit_holds AS h (since, until, reason) VALUES ($1, $2, $3) RETURNING h.id INTO hold_id;
  PERFORM @extschema@.audit_record('audit.held', 'hold', hold_id::text,
    jsonb_build_object('since', $1, 'until', $2, 'reason', $3));
  RETURN hold_id;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_hold(timestamptz, timestamptz, text) IS
'A legal hold: audit_maintain() drops no partition that may have events of since <= created_at < until (NULL: that end is open), whatever audit_configure() was told, until audit_release(). Returns its id. Recorded as an event. Raises 22023 for a range that is none and without a reason.';

CREATE FUNCTION @extschema@.audit_release(id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.audit_holds h SET released_at = now(), released_by = session_user WHERE h.id = $1 AND h.released_at IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'hold % is not in force', coalesce(id::text, 'NULL') USING ERRCODE = 'undefined_object',
      HINT = 'audit_holds lists the holds.';
  END IF;
  PERFORM @extschema@.audit_record('audit.released', 'hold', id::text, NULL);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_release(bigint) IS
'Ends a hold; the record of it stays. Recorded as an event. Raises 42704 where no hold of that id is in force.';

-------------------------------------------------------------------------------------------------------------------
-- Partitions and retention: what is there, and what is missing
-------------------------------------------------------------------------------------------------------------------

-- With a fixed datestyle, since bounds come as text: other styles write time zones that can be read in two ways.
CREATE FUNCTION @extschema@.audit_partitions(parent regclass DEFAULT '@extschema@.audit_events')
RETURNS TABLE (partition regclass, since timestamptz, until timestamptz, is_default boolean, bytes bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
  SELECT c.oid::regclass,
         CASE WHEN NOT b.is_default THEN coalesce(substring(b.bounds FROM $re$FROM \('([^']*)'\)$re$)::timestamptz, '-infinity') END,
         CASE WHEN NOT b.is_default THEN coalesce(substring(b.bounds FROM $re$TO \('([^']*)'\)$re$)::timestamptz, 'infinity') END,
         b.is_default, pg_total_relation_size(c.oid)
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
       LATERAL (SELECT e, e = 'DEFAULT' FROM pg_get_expr(c.relpartbound, c.oid) e) b(bounds, is_default)
  WHERE i.inhparent = parent ORDER BY 2 NULLS LAST
$$;
COMMENT ON FUNCTION @extschema@.audit_partitions(regclass) IS
'The partitions of audit_events: which events (since <= created_at < until) and how many bytes each holds, oldest first, the default partition last.';

CREATE FUNCTION @extschema@.audit_period(moment timestamptz, ahead integer, OUT since timestamptz, OUT until timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT (p.start + ahead * p.step) AT TIME ZONE 'UTC', (p.start + (ahead + 1) * p.step) AT TIME ZONE 'UTC'
  FROM (SELECT date_trunc(c.partition_every, moment AT TIME ZONE 'UTC'), ('1 ' || c.partition_every)::interval
        FROM @extschema@.audit_effective_configuration() c) p(start, step)
$$;
COMMENT ON FUNCTION @extschema@.audit_period(timestamptz, integer) IS
'The month, week or day (partition_every) that the moment is in, or one that many ahead.';

CREATE FUNCTION @extschema@.audit_gaps(since timestamptz, until timestamptz) RETURNS SETOF tstzrange
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT unnest(tstzmultirange(tstzrange($1, $2)) - coalesce(range_agg(tstzrange(p.since, p.until)), '{}'))
  FROM @extschema@.audit_partitions() p WHERE NOT p.is_default
$$;
COMMENT ON FUNCTION @extschema@.audit_gaps(timestamptz, timestamptz) IS 'The parts of that time for which there is no partition.';

CREATE FUNCTION @extschema@.audit_due_partitions() RETURNS SETOF tstzrange
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT g FROM @extschema@.audit_effective_configuration() c, generate_series(0, c.premake) n,
                @extschema@.audit_period(now(), n) p, @extschema@.audit_gaps(p.since, p.until) g
  ORDER BY n, g
$$;
COMMENT ON FUNCTION @extschema@.audit_due_partitions() IS
'The partitions that should be there, from the current one to those made ahead, and are not.';

CREATE FUNCTION @extschema@.audit_expired_partitions() RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.partition FROM @extschema@.audit_partitions() p, @extschema@.audit_effective_configuration() c
  WHERE p.until <= (now() AT TIME ZONE 'UTC' - c.keep) AT TIME ZONE 'UTC'
    AND NOT EXISTS (SELECT FROM @extschema@.audit_holds h
                    WHERE h.released_at IS NULL AND tstzrange(h.since, h.until) && tstzrange(p.since, p.until))
  ORDER BY p.since
$$;
COMMENT ON FUNCTION @extschema@.audit_expired_partitions() IS
'The partitions all of whose events are older than keep, and which no hold protects.';

CREATE FUNCTION @extschema@.audit_read_status()
RETURNS TABLE (partition_every text, keep interval, premake integer, last_run timestamptz, last_success timestamptz, last_error text,
  partitions bigint, oldest_event timestamptz, next_missing timestamptz, expired_partitions bigint, default_events bigint,
  holds bigint, bytes numeric, is_behind boolean)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.*, coalesce(s.last_run IS NOT NULL AND
    (s.last_error IS NOT NULL OR s.next_missing IS NOT NULL OR s.expired_partitions > 0 OR s.default_events > 0), false)
  FROM (
    SELECT c.partition_every, c.keep, c.premake, m.began_at AS last_run, m.succeeded_at, m.error AS last_error, p.partitions,
      (SELECT e.created_at FROM @extschema@.audit_events e ORDER BY e.created_at LIMIT 1),
      (SELECT min(lower(d)) FROM @extschema@.audit_due_partitions() d) AS next_missing,
      (SELECT count(*) FROM @extschema@.audit_expired_partitions()) AS expired_partitions,
      (SELECT count(*) FROM (SELECT FROM ONLY @extschema@.audit_events_default LIMIT 1000) d) AS default_events,
      (SELECT count(*) FROM @extschema@.audit_holds h WHERE h.released_at IS NULL), p.bytes
    FROM @extschema@.audit_effective_configuration() c
      CROSS JOIN (SELECT count(*), sum(a.bytes) FROM @extschema@.audit_partitions() a) p(partitions, bytes)
      LEFT JOIN @extschema@.audit_maintenance m ON true) s
$$;
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

-------------------------------------------------------------------------------------------------------------------
-- Partitions and retention: the steps of audit_maintain(). Each is a short transaction. A step that cannot get its locks
-- within 40 ms gives up and says 'busy', so that nobody queues behind it for longer; it is tried again.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_lock_maintenance() RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_lock_maintenance() IS
'Whether this session may do maintenance now: false while another one does. To the end of the session, an error, or audit_unlock_maintenance().';
CREATE FUNCTION @extschema@.audit_unlock_maintenance() RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_unlock_maintenance() IS 'Lets another session do maintenance.';

CREATE FUNCTION @extschema@.audit_partition_name(since timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'audit_events_' || to_char(t, CASE WHEN t = date_trunc('day', t) THEN 'YYYYMMDD' ELSE 'YYYYMMDD"t"HH24MISSUS' END)
  FROM (SELECT since AT TIME ZONE 'UTC') s(t)
$$;
COMMENT ON FUNCTION @extschema@.audit_partition_name(timestamptz) IS 'The name of the partition that begins then.';

CREATE FUNCTION @extschema@.audit_tablespace() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT format('TABLESPACE %I', t.spcname) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
                   WHERE c.oid = '@extschema@.audit_events'::regclass), '')
$$;
COMMENT ON FUNCTION @extschema@.audit_tablespace() IS 'The clause that puts a new partition where ALTER TABLE audit_events SET TABLESPACE said.';

CREATE OR REPLACE FUNCTION @extschema@.audit_create_partition(since timestamptz, until timestamptz) RETURNS regclass
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition text;
BEGIN
  IF since IS NULL OR until IS NULL OR since >= until OR NOT isfinite(since) OR NOT isfinite(until) THEN
    RAISE EXCEPTION 'a partition needs a time range' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got since %s and until %s.', coalesce(since::text, 'NULL'), coalesce(until::text, 'NULL')),
      HINT = 'Pass two finite times, since (inclusive) before until (exclusive).';
  END IF;
  partition := format('@extschema@.%I', @extschema@.audit_partition_name(since));
  -- Attached when its files are there and on disk: PARTITION OF would lock everybody out from the beginning.
  EXECUTE format('CREATE TABLE %s (LIKE @extschema@.audit_events INCLUDING ALL EXCLUDING COMMENTS) %s', partition, @extschema@.audit_tablespace());
  PERFORM @extschema@.audit_index_partition(partition::regclass);
  PERFORM @extschema@.audit_give_to_owner(partition::regclass);
  EXECUTE format('ALTER TABLE @extschema@.audit_events ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', partition, since, until);
  RETURN partition::regclass;
END
$$;

CREATE FUNCTION @extschema@.audit_give_to_owner(made regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s OWNER TO %I', made,
    (SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = '@extschema@.audit_events'::regclass));
END
$$;
COMMENT ON FUNCTION @extschema@.audit_give_to_owner(regclass) IS 'Makes the owner of audit_events the owner of a partition too.';

CREATE FUNCTION @extschema@.audit_cancel_autovacuum(tables regclass[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT pg_cancel_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.relation = ANY (tables) AND a.datname = current_database() AND a.backend_type = 'autovacuum worker'
$$;
COMMENT ON FUNCTION @extschema@.audit_cancel_autovacuum(regclass[]) IS
'Makes autovacuum give way on these tables at once, as it does to whoever has waited for it for a second.';

CREATE FUNCTION @extschema@.audit_lock_tables(others regclass[]) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '40ms' AS $$
DECLARE
  other regclass;
BEGIN
  LOCK TABLE ONLY @extschema@.audit_events IN ACCESS EXCLUSIVE MODE;
  -- Who uses these has a lock on audit_events too, but for VACUUM and the like: one wait is enough.
  FOREACH other IN ARRAY others LOOP
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE NOWAIT', other);
  END LOOP;
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  PERFORM @extschema@.audit_cancel_autovacuum(others);
  RETURN false;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_lock_tables(regclass[]) IS
'Locks audit_events and these partitions against everybody, to the end of the transaction, for a change of the catalog that takes milliseconds. False where that would mean to wait for more than 40 ms.';

CREATE FUNCTION @extschema@.audit_create_due() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '40ms' AS $$
DECLARE
  due tstzrange := (SELECT d FROM @extschema@.audit_due_partitions() d LIMIT 1);
BEGIN
  -- Not while the default partition has events, which PostgreSQL would look through with everybody locked out.
  IF due IS NULL OR EXISTS (SELECT FROM ONLY @extschema@.audit_events_default) THEN RETURN 'done'; END IF;
  PERFORM @extschema@.audit_create_partition(lower(due), upper(due));
  RETURN 'more';
EXCEPTION WHEN lock_not_available THEN
  RETURN 'busy';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_create_due() IS 'Step of audit_maintain(): makes a partition that is due.';

-- DROP rather than DETACH CONCURRENTLY and DROP: that is refused where there is a default partition, and in functions.
-- DROP takes the lock that a plain DETACH takes, for as long; the files go after COMMIT has released it.
CREATE FUNCTION @extschema@.audit_drop_expired() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET audit_ext.allow_changes = 'maintenance' AS $$
DECLARE
  expired record;
BEGIN
  SELECT p.partition, c.relname AS name, p.since, p.until, CASE c.relkind WHEN 'f' THEN 'FOREIGN ' ELSE '' END AS kind INTO expired
  FROM @extschema@.audit_partitions() p JOIN pg_class c ON c.oid = p.partition
  WHERE p.partition = (SELECT e FROM @extschema@.audit_expired_partitions() e LIMIT 1);
  IF NOT FOUND THEN RETURN 'done'; END IF;
  -- A hold or a longer keep may just be coming.
  LOCK TABLE @extschema@.audit_holds, @extschema@.audit_configuration IN SHARE MODE NOWAIT;
  IF NOT @extschema@.audit_lock_tables(ARRAY[expired.partition]) THEN RETURN 'busy'; END IF;
  IF expired.partition NOT IN (SELECT e FROM @extschema@.audit_expired_partitions() e) THEN RETURN 'more'; END IF;
  EXECUTE format('DROP %sTABLE %s', expired.kind, expired.partition);
  PERFORM @extschema@.audit_record('audit.partition_dropped', 'table', expired.name,
    jsonb_build_object('since', expired.since, 'until', expired.until));
  RETURN 'more';
EXCEPTION WHEN lock_not_available THEN
  RETURN 'busy';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_drop_expired() IS
'Step of audit_maintain(): drops the oldest partition whose events are all past keep and not held. Recorded as an event.';

-- Moving events out of the default partition, so that every reader sees each exactly once at any time and nobody waits:
-- 1. audit_move_begin: audit_events_move, a table nobody else looks at, gets the partitions that are missing. A trigger copies
--    every new event of the default partition into it, in the same transaction.
-- 2. audit_move_copy: the events from before are copied too, in batches. They also stay where they are.
-- 3. The transactions that have a snapshot from before the last copy come to their end. All others see both of each pair, or
--    neither.
-- 4. audit_move_finish: in one short transaction the default partition is emptied and the new ones are attached.
CREATE FUNCTION @extschema@.audit_mirror() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO @extschema@.audit_events_move SELECT NEW.*;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_mirror() IS
'Trigger of the default partition while its events are moved: copies a new one to where it will be.';

-- Events from far apart must make neither thousands of partitions nor a long list to attach at once. So the newest have
-- a partition for each period, and what is older than those shares one for each gap.
CREATE FUNCTION @extschema@.audit_move_ranges() RETURNS SETOF tstzrange
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  periods_max CONSTANT integer := 12;
  oldest timestamptz;
  newest timestamptz;
  since timestamptz := 'infinity';
  until timestamptz;
BEGIN
  SELECT e.created_at INTO oldest FROM ONLY @extschema@.audit_events_default e ORDER BY e.created_at LIMIT 1;
  FOR number IN 1..periods_max LOOP
    SELECT e.created_at INTO newest FROM ONLY @extschema@.audit_events_default e
    WHERE e.created_at < since ORDER BY e.created_at DESC LIMIT 1;
    EXIT WHEN NOT FOUND;
    SELECT p.since, p.until INTO since, until FROM @extschema@.audit_period(newest, 0) p;
    IF number = periods_max THEN
      since := (SELECT p.since FROM @extschema@.audit_period(oldest, 0) p);
    END IF;
    RETURN QUERY SELECT g FROM @extschema@.audit_gaps(since, until) g;
  END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_move_ranges() IS
'The partitions that are missing for the events of the default partition.';

CREATE FUNCTION @extschema@.audit_move_begin() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '40ms' AS $$
DECLARE
  is_mirrored boolean := EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = 'audit_mirror'
                                 AND t.tgrelid = '@extschema@.audit_events_default'::regclass);
  is_misplaced boolean := false;
  missing tstzrange;
  made text;
BEGIN
  IF to_regclass('@extschema@.audit_events_move_rest') IS NOT NULL THEN
    -- Or somebody made a partition by hand meanwhile where one is to be attached.
    SELECT EXISTS (SELECT FROM @extschema@.audit_events_move_rest)
      OR EXISTS (SELECT FROM @extschema@.audit_partitions('@extschema@.audit_events_move') m JOIN @extschema@.audit_partitions() p
                 ON tstzrange(m.since, m.until) && tstzrange(p.since, p.until) WHERE NOT m.is_default AND NOT p.is_default)
    INTO is_misplaced;
    -- A run before this one did not get to its end: it is taken up where that left off.
    IF is_mirrored AND NOT is_misplaced THEN RETURN 'done'; END IF;
  END IF;
  IF is_mirrored THEN
    IF NOT @extschema@.audit_lock_tables(ARRAY['@extschema@.audit_events_default']::regclass[]) THEN RETURN 'busy'; END IF;
    DROP TRIGGER audit_mirror ON @extschema@.audit_events_default;
  END IF;
  IF to_regclass('@extschema@.audit_events_move') IS NOT NULL THEN
    DROP TABLE @extschema@.audit_events_move;
  END IF;
  IF NOT EXISTS (SELECT FROM ONLY @extschema@.audit_events_default) THEN RETURN 'nothing'; END IF;
  EXECUTE format('CREATE TABLE @extschema@.audit_events_move (LIKE @extschema@.audit_events INCLUDING ALL) PARTITION BY RANGE (created_at) %s',
                 @extschema@.audit_tablespace());
  FOR missing IN SELECT r FROM @extschema@.audit_move_ranges() r LOOP
    made := format('@extschema@.%I', @extschema@.audit_partition_name(lower(missing)));
    EXECUTE format('CREATE TABLE %s PARTITION OF @extschema@.audit_events_move FOR VALUES FROM (%L) TO (%L)', made, lower(missing), upper(missing));
    -- Proves to ATTACH what it would otherwise read the whole partition for.
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT audit_move_range CHECK (created_at >= %L AND created_at < %L)', made, lower(missing), upper(missing));
    PERFORM @extschema@.audit_index_partition(made::regclass), @extschema@.audit_give_to_owner(made::regclass);
  END LOOP;
  CREATE TABLE @extschema@.audit_events_move_rest PARTITION OF @extschema@.audit_events_move DEFAULT;
  -- Waits for those who are writing into it: what they wrote is seen by audit_move_copy, what comes later by the trigger.
  LOCK TABLE ONLY @extschema@.audit_events_default IN SHARE ROW EXCLUSIVE MODE;
  CREATE TRIGGER audit_mirror AFTER INSERT ON @extschema@.audit_events_default
  FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_mirror();
  ALTER TABLE @extschema@.audit_events_default ENABLE ALWAYS TRIGGER audit_mirror;
  RETURN 'done';
EXCEPTION WHEN lock_not_available THEN
  PERFORM @extschema@.audit_cancel_autovacuum(ARRAY['@extschema@.audit_events_default']::regclass[]);
  RETURN 'busy';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_move_begin() IS
'Step of audit_maintain(): prepares the move of the events of the default partition into partitions of their own.';

CREATE FUNCTION @extschema@.audit_move_copy(INOUT last_created_at timestamptz, INOUT last_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Few at a time: whoever commits meanwhile writes their WAL to disk too. What the trigger has copied already is there.
  WITH batch AS MATERIALIZED (
    SELECT * FROM ONLY @extschema@.audit_events_default e WHERE (e.created_at, e.id) > (last_created_at, last_id)
    ORDER BY e.created_at, e.id LIMIT 1000),
  copied AS (INSERT INTO @extschema@.audit_events_move SELECT * FROM batch ON CONFLICT DO NOTHING)
  SELECT b.created_at, b.id INTO last_created_at, last_id FROM batch b ORDER BY b.created_at DESC, b.id DESC LIMIT 1;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_move_copy(timestamptz, uuid) IS
'Step of audit_maintain(): copies the next events of the default partition to where they will be. Returns the last of them; NULL: there are no more.';

-- Before anybody reads them, since the planner knows nothing of a table that was never analyzed.
CREATE FUNCTION @extschema@.audit_move_analyze() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made regclass;
BEGIN
  FOR made IN SELECT p.partition FROM @extschema@.audit_partitions('@extschema@.audit_events_move') p WHERE NOT p.is_default LOOP
    EXECUTE format('ANALYZE %s', made);
  END LOOP;
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_move_analyze() IS
'Step of audit_maintain(): collects the statistics of the partitions that events were copied to.';

CREATE FUNCTION @extschema@.audit_snapshots() RETURNS text[]
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(array_agg(l.virtualtransaction), '{}') FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'virtualxid' AND l.virtualxid = l.virtualtransaction AND a.backend_xmin IS NOT NULL
    AND a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
$$;
COMMENT ON FUNCTION @extschema@.audit_snapshots() IS 'The transactions of this database that have a snapshot now, other than our own.';

CREATE FUNCTION @extschema@.audit_are_gone(snapshots text[]) RETURNS boolean
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$ SELECT NOT snapshots && @extschema@.audit_snapshots() $$;
COMMENT ON FUNCTION @extschema@.audit_are_gone(text[]) IS 'Whether all these transactions have ended, or let go of their snapshots.';

CREATE FUNCTION @extschema@.audit_move_finish() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET audit_ext.allow_changes = 'maintenance' AS $$
DECLARE
  -- Thought out before the locks are taken.
  changes text := (
    SELECT string_agg(format('ALTER TABLE @extschema@.audit_events_move DETACH PARTITION %1$s;
                              ALTER TABLE @extschema@.audit_events ATTACH PARTITION %1$s FOR VALUES FROM (%2$L) TO (%3$L)', p.partition, p.since, p.until), ';')
    FROM @extschema@.audit_partitions('@extschema@.audit_events_move') p WHERE NOT p.is_default);
BEGIN
  IF NOT @extschema@.audit_lock_tables(ARRAY['@extschema@.audit_events_default', '@extschema@.audit_events_move']::regclass[]
      || ARRAY(SELECT p.partition FROM @extschema@.audit_partitions('@extschema@.audit_events_move') p)) THEN
    RETURN 'busy';
  END IF;
  -- Events came meanwhile for which no partition was thought of.
  IF EXISTS (SELECT FROM @extschema@.audit_events_move_rest) THEN RETURN 'again'; END IF;
  DROP TRIGGER audit_mirror ON @extschema@.audit_events_default;
  TRUNCATE ONLY @extschema@.audit_events_default;
  EXECUTE changes;
  RETURN 'done';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_move_finish() IS
'Step of audit_maintain(): empties the default partition and attaches the partitions that its events were copied to.';

-- Apart from audit_move_finish, which everybody waits for.
CREATE FUNCTION @extschema@.audit_move_clean() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '40ms' SET client_min_messages = warning AS $$
DECLARE
  moved regclass;
BEGIN
  -- A move that could not be finished is taken up by the next run.
  IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = 'audit_mirror' AND t.tgrelid = '@extschema@.audit_events_default'::regclass) THEN RETURN 'done'; END IF;
  DROP TABLE IF EXISTS @extschema@.audit_events_move;
  FOR moved IN
    SELECT c.conrelid FROM pg_constraint c JOIN @extschema@.audit_partitions() p ON p.partition = c.conrelid WHERE c.conname = 'audit_move_range'
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT audit_move_range', moved);
    RETURN 'more';
  END LOOP;
  RETURN 'done';
EXCEPTION WHEN lock_not_available THEN
  RETURN 'busy';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_move_clean() IS
'Step of audit_maintain(): removes what a move that is over has left.';

CREATE FUNCTION @extschema@.audit_guard_partitions() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '40ms' AS $$
BEGIN
  PERFORM @extschema@.audit_guard_partition(p.partition)
  FROM @extschema@.audit_partitions() p JOIN pg_class c ON c.oid = p.partition AND c.relkind <> 'f'
  WHERE (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = p.partition AND t.tgenabled = 'A'
         AND t.tgname IN ('audit_guard_truncate', 'audit_guard_rows')) < 2;
  RETURN 'done';
EXCEPTION WHEN lock_not_available THEN
  RETURN 'busy';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_guard_partitions() IS
'Step of audit_maintain(): gives their guards to partitions that have not got them, such as those attached by hand.';

CREATE FUNCTION @extschema@.audit_record_left() RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH left_over AS (DELETE FROM @extschema@.audit_events_dump RETURNING *)
  INSERT INTO @extschema@.audit_events SELECT * FROM left_over;
  SELECT 'done';
$$;
COMMENT ON FUNCTION @extschema@.audit_record_left() IS
'Step of audit_maintain(): records the events that pg_restore --disable-triggers has left in audit_events_dump.';

CREATE FUNCTION @extschema@.audit_flush_past() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '40ms' AS $$
DECLARE
  filter_index regclass;
BEGIN
  FOR filter_index IN
    SELECT i.indexrelid FROM @extschema@.audit_partitions() p JOIN pg_index i ON i.indrelid = p.partition AND i.indisvalid
    JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' JOIN pg_am a ON a.oid = c.relam AND a.amname = 'gin'
    WHERE p.until <= now()
  LOOP
    IF gin_clean_pending_list(filter_index) > 0 THEN RETURN 'more'; END IF;
  END LOOP;
  RETURN 'done';
EXCEPTION WHEN lock_not_available THEN
  RETURN 'busy';
END
$$;
COMMENT ON FUNCTION @extschema@.audit_flush_past() IS
'Step of audit_maintain(): empties the pending list of a partition whose time is over, which might stay as it is for ever and cost every page that looks into the partition up to 30 microseconds.';

CREATE FUNCTION @extschema@.audit_begin_run() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO @extschema@.audit_maintenance (began_at) VALUES (clock_timestamp())
  ON CONFLICT ON CONSTRAINT audit_maintenance_pkey DO UPDATE SET began_at = excluded.began_at
$$;
COMMENT ON FUNCTION @extschema@.audit_begin_run() IS 'Step of audit_maintain(): notes that it runs.';

CREATE FUNCTION @extschema@.audit_end_run(problem text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE @extschema@.audit_maintenance m
  SET error = problem, succeeded_at = CASE WHEN problem IS NULL THEN clock_timestamp() ELSE m.succeeded_at END
$$;
COMMENT ON FUNCTION @extschema@.audit_end_run(text) IS 'Step of audit_maintain(): notes how it went.';

-- A procedure that commits can have no SET search_path: so everything in these is qualified, operators too.
CREATE PROCEDURE @extschema@.audit_try(step text, INOUT outcome text, INOUT problem text)
LANGUAGE plpgsql AS $$
BEGIN
  FOR attempt IN 1..200 LOOP
    BEGIN
      EXECUTE pg_catalog.format('SELECT @extschema@.%I()', step) INTO outcome;
    EXCEPTION WHEN OTHERS THEN
      outcome := 'failed';
      problem := pg_catalog.concat_ws('; ', problem, pg_catalog.concat(step, ': ', SQLERRM));
    END;
    COMMIT;
    IF outcome OPERATOR(pg_catalog.<>) 'busy' THEN RETURN; END IF;
    PERFORM pg_catalog.pg_sleep(0.3);
    COMMIT;
  END LOOP;
  problem := pg_catalog.concat_ws('; ', problem, pg_catalog.concat(step, ': long transactions did not let go of their locks for a minute'));
END
$$;
COMMENT ON PROCEDURE @extschema@.audit_try(text, text, text) IS
'Part of audit_maintain(): runs a step until it is not busy any more, for a minute at most; an error is added to problem.';

CREATE PROCEDURE @extschema@.audit_copy(INOUT outcome text, INOUT problem text)
LANGUAGE plpgsql AS $$
DECLARE
  last_created_at timestamptz := '-infinity';
  last_id uuid := '00000000-0000-0000-0000-000000000000';
  snapshots text[];
BEGIN
  WHILE last_created_at IS NOT NULL LOOP
    -- Copies need not be on disk before audit_move_finish is: what a crash takes of them the next run copies again. So nobody
    -- who commits meanwhile queues behind their fsync.
    PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
    BEGIN
      SELECT c.last_created_at, c.last_id INTO last_created_at, last_id FROM @extschema@.audit_move_copy(last_created_at, last_id) c;
    EXCEPTION WHEN OTHERS THEN
      outcome := 'failed';
      problem := pg_catalog.concat_ws('; ', problem, pg_catalog.concat('audit_move_copy: ', SQLERRM));
      RETURN;
    END;
    COMMIT;
  END LOOP;
  snapshots := @extschema@.audit_snapshots();
  CALL @extschema@.audit_try('audit_move_analyze', outcome, problem);
  FOR attempt IN 1..200 LOOP
    IF @extschema@.audit_are_gone(snapshots) THEN RETURN; END IF;
    COMMIT;
    PERFORM pg_catalog.pg_sleep(0.3);
    COMMIT;
  END LOOP;
  outcome := 'failed';
  problem := pg_catalog.concat_ws('; ', problem, 'moving out of the default partition: older transactions did not end for a minute');
END
$$;
COMMENT ON PROCEDURE @extschema@.audit_copy(text, text) IS
'Part of audit_maintain(): copies all events of the default partition, and waits for the snapshots from before, for a minute at most.';

CREATE PROCEDURE @extschema@.audit_maintain()
LANGUAGE plpgsql AS $$
DECLARE
  step text;
  outcome text;
  problem text;
BEGIN
  IF NOT @extschema@.audit_lock_maintenance() THEN
    RAISE NOTICE 'audit_maintain() is at work in another session';
    RETURN;
  END IF;
  PERFORM @extschema@.audit_begin_run();
  COMMIT;
  CALL @extschema@.audit_try('audit_record_left', outcome, problem);
  FOR attempt IN 1..3 LOOP
    CALL @extschema@.audit_try('audit_move_begin', outcome, problem);
    EXIT WHEN outcome OPERATOR(pg_catalog.<>) 'done';
    CALL @extschema@.audit_copy(outcome, problem);
    EXIT WHEN outcome OPERATOR(pg_catalog.<>) 'done';
    CALL @extschema@.audit_try('audit_move_finish', outcome, problem);
    EXIT WHEN outcome OPERATOR(pg_catalog.<>) 'again';
  END LOOP;
  FOREACH step IN ARRAY ARRAY['audit_move_clean', 'audit_create_due', 'audit_drop_expired', 'audit_guard_partitions', 'audit_flush_past'] LOOP
    LOOP
      CALL @extschema@.audit_try(step, outcome, problem);
      EXIT WHEN outcome OPERATOR(pg_catalog.<>) 'more';
    END LOOP;
  END LOOP;
  PERFORM @extschema@.audit_end_run(problem);
  COMMIT;
  PERFORM @extschema@.audit_unlock_maintenance();
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION 'maintenance of audit_events is not complete' USING ERRCODE = 'object_not_in_prerequisite_state',
      DETAIL = problem, HINT = 'What was done stays; the next run does the rest. audit_status shows how things stand.';
  END IF;
END
$$;
COMMENT ON PROCEDURE @extschema@.audit_maintain() IS
'Makes the partitions that are due, moves events out of the default partition, and drops partitions past keep, as audit_configure() was told; empties the pending lists of past partitions. For a scheduler: CALL it outside of a transaction, as often as you like; a second one at the same time does nothing but say so. Nobody waits for it for more than some 40 ms. Raises 55000 if something could not be done, after all the rest.';

CREATE FUNCTION @extschema@.audit_grant_maintainer(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT SELECT ON @extschema@.audit_status TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_read_status, @extschema@.audit_lock_maintenance,
                  @extschema@.audit_unlock_maintenance, @extschema@.audit_begin_run, @extschema@.audit_end_run,
                  @extschema@.audit_move_begin, @extschema@.audit_move_copy, @extschema@.audit_move_analyze, @extschema@.audit_snapshots,
                  @extschema@.audit_are_gone, @extschema@.audit_move_finish, @extschema@.audit_move_clean, @extschema@.audit_create_due,
                  @extschema@.audit_drop_expired, @extschema@.audit_guard_partitions, @extschema@.audit_flush_past,
                  @extschema@.audit_record_left TO %I', role);
  EXECUTE format('GRANT EXECUTE ON PROCEDURE @extschema@.audit_maintain, @extschema@.audit_try, @extschema@.audit_copy TO %I', role);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_grant_maintainer(name) IS
'Lets the role CALL audit_maintain() and read audit_status: for a scheduler. It can change neither the configuration nor holds, and reads no events.';

REVOKE ALL ON @extschema@.audit_configuration, @extschema@.audit_holds, @extschema@.audit_maintenance, @extschema@.audit_status FROM PUBLIC;
REVOKE ALL ON PROCEDURE @extschema@.audit_try, @extschema@.audit_copy, @extschema@.audit_maintain FROM PUBLIC;
REVOKE ALL ON FUNCTION
  @extschema@.audit_effective_configuration, @extschema@.audit_configure, @extschema@.audit_hold, @extschema@.audit_release,
  @extschema@.audit_partitions, @extschema@.audit_period, @extschema@.audit_gaps, @extschema@.audit_due_partitions,
  @extschema@.audit_expired_partitions, @extschema@.audit_read_status, @extschema@.audit_lock_maintenance,
  @extschema@.audit_unlock_maintenance, @extschema@.audit_partition_name, @extschema@.audit_give_to_owner,
  @extschema@.audit_cancel_autovacuum, @extschema@.audit_lock_tables, @extschema@.audit_create_due,
  @extschema@.audit_drop_expired, @extschema@.audit_mirror, @extschema@.audit_move_ranges, @extschema@.audit_move_begin,
  @extschema@.audit_move_copy, @extschema@.audit_move_analyze, @extschema@.audit_snapshots, @extschema@.audit_are_gone,
  @extschema@.audit_tablespace, @extschema@.audit_move_finish, @extschema@.audit_move_clean, @extschema@.audit_guard_partitions,
  @extschema@.audit_flush_past, @extschema@.audit_record_left, @extschema@.audit_begin_run, @extschema@.audit_end_run, @extschema@.audit_grant_maintainer
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
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role
  FROM @extschema@.audit_users u WHERE u.username = $1
$$;
COMMENT ON FUNCTION @extschema@.audit_authenticate_certificate(text) IS
'The user whose name is the common name of a client certificate, or no row. The caller has verified the certificate. For the daemon.';
REVOKE ALL ON FUNCTION @extschema@.audit_authenticate_certificate FROM PUBLIC;

CREATE OR REPLACE FUNCTION @extschema@.audit_grant_frontend(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT SELECT ON @extschema@.audit_events TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_list_json, @extschema@.audit_get_json,
                  @extschema@.audit_authenticate_password, @extschema@.audit_authenticate_token,
                  @extschema@.audit_authenticate_api_key, @extschema@.audit_authenticate_certificate,
                  @extschema@.audit_read_status TO %I', role);
  IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
    -- Passwords come as parameters of a statement; they must not get into the server's log with it.
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
    EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION @extschema@.audit_authenticate_certificate, @extschema@.audit_read_status TO %I',
                              frontend);
  END LOOP;
END
$$;
