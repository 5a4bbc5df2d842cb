/* audit_ext 1.0: the audit trail's tables, indexes, functions and rights. docs/sql_api.md is the manual. */
\echo Use "CREATE EXTENSION audit_ext CASCADE" to load this file. \quit

-------------------------------------------------------------------------------------------------------------------
-- Ids
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_make_id(created_at timestamptz DEFAULT pg_catalog.clock_timestamp()) RETURNS uuid
LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_make_id(timestamptz) IS
'A new event id: a UUID version 7 (RFC 9562) that holds created_at. Ids of later events sort behind those of earlier ones.';

CREATE FUNCTION @extschema@.audit_id_matches(id uuid, created_at timestamptz) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_id_matches(uuid, timestamptz) IS
'Whether the id is a UUID version 7 made in the millisecond of created_at, so that the id alone leads to the event. Used by the indexes of audit_events: everybody who may write or read events needs to execute it.';

-------------------------------------------------------------------------------------------------------------------
-- Events. The parent has no index and no primary key, each partition has its own: only so do pg_dump and pg_restore
-- work without an error (docs/design.md, "Storage").
-------------------------------------------------------------------------------------------------------------------

CREATE TABLE @extschema@.audit_events (
  id              uuid             NOT NULL,
  created_at      timestamptz      NOT NULL DEFAULT pg_catalog.clock_timestamp(),
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
    created_at OPERATOR(pg_catalog.>=) '1970-01-01 00:00:00+00'::timestamptz AND
    created_at OPERATOR(pg_catalog.<) '10000-01-01 00:00:00+00'::timestamptz)
) PARTITION BY RANGE (created_at);

COMMENT ON TABLE @extschema@.audit_events IS 'The audit trail: one row an event. Read it with audit_list(), write it with audit_log(), INSERT or COPY.';
COMMENT ON COLUMN @extschema@.audit_events.id IS 'Unique with created_at. Left out, a UUID version 7 made from created_at.';
COMMENT ON COLUMN @extschema@.audit_events.created_at IS 'When it happened; left out, now. Years 1970 to 9999. Events are listed by it, newest first, ties by id.';
COMMENT ON COLUMN @extschema@.audit_events.user_id IS 'The user it belongs to. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.actor_type IS 'Who did it: user, service, system, ...';
COMMENT ON COLUMN @extschema@.audit_events.actor_id IS 'Which one of that type.';
COMMENT ON COLUMN @extschema@.audit_events.source IS 'What reported it: api, ui, worker, scheduler, sql, ...';
COMMENT ON COLUMN @extschema@.audit_events.event_group IS 'The area, such as auth or billing; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.event_type IS 'What happened, such as auth.login; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.status IS 'How it ended: success, failure, denied, ...; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.resource_type IS 'The type of what it was done to.';
COMMENT ON COLUMN @extschema@.audit_events.resource_id IS 'Which one of that type.';
COMMENT ON COLUMN @extschema@.audit_events.session_id IS 'The session it belongs to; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.vm_id IS 'The virtual machine it concerns; at most 2048 bytes. A filter of audit_list().';
COMMENT ON COLUMN @extschema@.audit_events.task_id IS 'The background task it belongs to.';
COMMENT ON COLUMN @extschema@.audit_events.request_id IS 'The request it belongs to.';
COMMENT ON COLUMN @extschema@.audit_events.correlation_id IS 'What ties the events of one operation over several services together.';
COMMENT ON COLUMN @extschema@.audit_events.http_method IS 'Method of the HTTP request.';
COMMENT ON COLUMN @extschema@.audit_events.path IS 'Path of the HTTP request.';
COMMENT ON COLUMN @extschema@.audit_events.http_status IS 'Status code of the HTTP answer.';
COMMENT ON COLUMN @extschema@.audit_events.latency_ms IS 'How long it took, in milliseconds. NaN and infinity become null in JSON.';
COMMENT ON COLUMN @extschema@.audit_events.ip_address IS 'Address of the client.';
COMMENT ON COLUMN @extschema@.audit_events.user_agent IS 'User-Agent of the client.';
COMMENT ON COLUMN @extschema@.audit_events.node_ip IS 'Address of the server that did it.';
COMMENT ON COLUMN @extschema@.audit_events.worker_id IS 'The worker process that did it.';
COMMENT ON COLUMN @extschema@.audit_events.event_payload IS 'Anything else, as JSON.';
COMMENT ON COLUMN @extschema@.audit_events.error_message IS 'What went wrong, for people.';

CREATE FUNCTION @extschema@.audit_events_before_insert() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_events_before_insert() IS
'Trigger of audit_events and its partitions: makes the id where there is none; raises 22001 where a filter column holds more than 2048 bytes, which no index entry could.';

CREATE TRIGGER audit_events_before_insert BEFORE INSERT ON @extschema@.audit_events
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_events_before_insert();

-- The filter index is GIN: one entry a value, and no column costs more than its lists of row addresses. fastupdate
-- is off so that a reader never has to look through a pending list.
CREATE FUNCTION @extschema@.audit_index_partition(partition regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  partition_name text := (SELECT c.relname FROM pg_class c WHERE c.oid = partition);
BEGIN
  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I PRIMARY KEY (created_at, id)', partition, partition_name || '_pkey');
  EXECUTE format('CREATE INDEX %I ON %s USING gin (event_group, event_type, status, user_id, vm_id, session_id)
                  WITH (fastupdate = off)', partition_name || '_filters', partition);
  EXECUTE format('CREATE INDEX %I ON %s (id) WHERE NOT @extschema@.audit_id_matches(id, created_at)',
                 partition_name || '_foreign_id', partition);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_index_partition(regclass) IS
'Gives a partition its indexes: the primary key (created_at, id), one GIN index over the six filter columns, and a partial index on ids that were not made from created_at. For a partition attached by hand; audit_create_partition() calls it.';

CREATE TABLE @extschema@.audit_events_default PARTITION OF @extschema@.audit_events DEFAULT;
SELECT @extschema@.audit_index_partition('@extschema@.audit_events_default');
COMMENT ON TABLE @extschema@.audit_events_default IS 'Events for whose time there is no other partition.';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_events_default', '');

CREATE FUNCTION @extschema@.audit_create_partition(since timestamptz, until timestamptz) RETURNS regclass
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  since_utc timestamp := since AT TIME ZONE 'UTC';
  partition_name text := 'audit_events_' || to_char(since_utc,
    CASE WHEN since_utc = date_trunc('day', since_utc) THEN 'YYYYMMDD' ELSE 'YYYYMMDD"t"HH24MISSUS' END);
  partition regclass;
BEGIN
  IF since IS NULL OR until IS NULL OR since >= until OR NOT isfinite(since) OR NOT isfinite(until) THEN
    RAISE EXCEPTION 'a partition needs a time range' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got since %s and until %s.', coalesce(since::text, 'NULL'), coalesce(until::text, 'NULL')),
      HINT = 'Pass two finite times, since (inclusive) before until (exclusive).';
  END IF;
  EXECUTE format('CREATE TABLE @extschema@.%I PARTITION OF @extschema@.audit_events FOR VALUES FROM (%L) TO (%L)',
                 partition_name, since, until);
  partition := format('@extschema@.%I', partition_name)::regclass;
  PERFORM @extschema@.audit_index_partition(partition);
  RETURN partition;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_create_partition(timestamptz, timestamptz) IS
'Makes the partition of audit_events for since <= created_at < until, with its indexes, and returns it. For the owner of audit_events. Raises 22023 for a range that is none, 42P17 where it overlaps another partition, 23514 where the default partition holds events of that range.';

-------------------------------------------------------------------------------------------------------------------
-- Reading
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_list(
  event_group text DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, user_id bigint DEFAULT NULL,
  vm_id text DEFAULT NULL, session_id text DEFAULT NULL, cursor text DEFAULT NULL, page_size integer DEFAULT 50,
  since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS TABLE (
  id uuid, created_at timestamptz, user_id bigint, actor_type text, actor_id text, source text, event_group text,
  event_type text, status text, resource_type text, resource_id text, session_id text, vm_id text, task_id bigint,
  request_id text, correlation_id text, http_method text, path text, http_status integer,
  latency_ms double precision, ip_address inet, user_agent text, node_ip inet, worker_id text, event_payload jsonb,
  error_message text, next_cursor text)
LANGUAGE c STABLE PARALLEL SAFE ROWS 50 COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_list(text, text, text, bigint, text, text, text, integer, timestamptz, timestamptz) IS
'One page of events, newest first (created_at DESC, id DESC). Every argument is optional; NULL means not given. event_group, event_type, status, user_id, vm_id, session_id: exact match. since (inclusive), until (exclusive): bounds of created_at. page_size: 1 to 200. cursor: next_cursor of the page before, with the same filters. next_cursor is the same in all rows of a page, NULL on the last page. Runs with the caller''s rights; row-level security applies. Raises 22023 for a wrong page_size or cursor (constraint name page_size, cursor_invalid or cursor_mismatch).';

CREATE FUNCTION @extschema@.audit_list_json(
  event_group text DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, user_id bigint DEFAULT NULL,
  vm_id text DEFAULT NULL, session_id text DEFAULT NULL, cursor text DEFAULT NULL, page_size integer DEFAULT 50,
  since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_list_json(text, text, text, bigint, text, text, text, integer, timestamptz, timestamptz) IS
'The page of audit_list() as the body of GET /v1/audit/events: {"items":[event, ...],"next_cursor":string or null}. Arguments, rights and errors as for audit_list().';

CREATE FUNCTION @extschema@.audit_explain(
  event_group text DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, user_id bigint DEFAULT NULL,
  vm_id text DEFAULT NULL, session_id text DEFAULT NULL, cursor text DEFAULT NULL, page_size integer DEFAULT 50,
  since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS TABLE (name text, value text)
LANGUAGE c STABLE PARALLEL SAFE ROWS 9 COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_explain(text, text, text, bigint, text, text, text, integer, timestamptz, timestamptz) IS
'How audit_list() with these arguments finds its page: engine (posting or sql), reason (why sql), events and has_more of the page; and what the posting engine read for it: partitions_opened, index_pages_read, tids_decoded, keys_walked, heap_tuples_fetched. Arguments, rights and errors as for audit_list().';

CREATE FUNCTION @extschema@.audit_get(id uuid, user_id bigint DEFAULT NULL)
RETURNS TABLE (
  id uuid, created_at timestamptz, user_id bigint, actor_type text, actor_id text, source text, event_group text,
  event_type text, status text, resource_type text, resource_id text, session_id text, vm_id text, task_id bigint,
  request_id text, correlation_id text, http_method text, path text, http_status integer,
  latency_ms double precision, ip_address inet, user_agent text, node_ip inet, worker_id text, event_payload jsonb,
  error_message text)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1 COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_get(uuid, bigint) IS
'The event with that id, or no row. With user_id: only if it is that user''s. Where ids from elsewhere repeat an id, the newest of those events. Runs with the caller''s rights; row-level security applies.';

CREATE FUNCTION @extschema@.audit_get_json(id uuid, user_id bigint DEFAULT NULL) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_get_json(uuid, bigint) IS
'The event of audit_get() as a JSON object with all 26 members, or NULL.';

-------------------------------------------------------------------------------------------------------------------
-- Writing
-------------------------------------------------------------------------------------------------------------------

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
COMMENT ON FUNCTION @extschema@.audit_log(text, text, text, bigint, text, text, text, text, text, text, text, bigint, text, text, text, text, integer, double precision, inet, text, inet, text, jsonb, text, uuid, timestamptz) IS
'Records one event and returns its id. event_group and event_type are required; of the others NULL means not given. actor_type: user where user_id or actor_id is given, else system. created_at: now. id: a UUID version 7 made from created_at. Needs the right to INSERT into audit_events, not to read it. Raises 23502 without group or type, 23505 for an id given twice at the same time, 22001 for more than 2048 bytes in a filter column, 23514 for a created_at outside the years 1970 to 9999.';

-------------------------------------------------------------------------------------------------------------------
-- Principals: who may ask the daemon. Only their hashes are stored.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_are_scopes(scopes text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT scopes OPERATOR(pg_catalog.<@) ARRAY['audit:read', 'audit:read:self']
     AND pg_catalog.cardinality(scopes) OPERATOR(pg_catalog.>) 0;
END;
COMMENT ON FUNCTION @extschema@.audit_are_scopes(text[]) IS
'Whether these are scopes that the daemon knows: audit:read (all events that the database role may see), audit:read:self (events of the principal''s user_id only).';

CREATE TABLE @extschema@.audit_users (
  username       text        NOT NULL,
  password_hash  text        NOT NULL,
  scopes         text[]      NOT NULL,
  user_id        bigint,
  db_role        text,
  -- Starts at random, so that a user made again under an old name does not inherit that one's tokens.
  token_epoch    integer     NOT NULL DEFAULT pg_catalog.floor(pg_catalog.random() OPERATOR(pg_catalog.*) 1000000000),
  created_at     timestamptz NOT NULL DEFAULT pg_catalog.now(),
  CONSTRAINT audit_users_pkey PRIMARY KEY (username),
  CONSTRAINT audit_users_scopes CHECK (@extschema@.audit_are_scopes(scopes)),
  CONSTRAINT audit_users_self CHECK (user_id IS NOT NULL OR NOT 'audit:read:self' OPERATOR(pg_catalog.=) ANY (scopes))
);
COMMENT ON TABLE @extschema@.audit_users IS 'Users who log in to the daemon with a password. Managed by audit_create_user() and its kin.';
COMMENT ON COLUMN @extschema@.audit_users.username IS 'The name to log in with.';
COMMENT ON COLUMN @extschema@.audit_users.password_hash IS 'bcrypt hash of the password (pgcrypto).';
COMMENT ON COLUMN @extschema@.audit_users.scopes IS 'What tokens of this user may be used for.';
COMMENT ON COLUMN @extschema@.audit_users.user_id IS 'The user_id of this user''s own events, for audit:read:self.';
COMMENT ON COLUMN @extschema@.audit_users.db_role IS 'The database role that requests run under; NULL: the daemon''s own.';
COMMENT ON COLUMN @extschema@.audit_users.token_epoch IS 'Tokens carry it; those with another one are refused.';
COMMENT ON COLUMN @extschema@.audit_users.created_at IS 'When the user was made.';

CREATE TABLE @extschema@.audit_api_keys (
  name        text        NOT NULL,
  key_sha256  bytea       NOT NULL,
  scopes      text[]      NOT NULL,
  user_id     bigint,
  db_role     text,
  created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
  expires_at  timestamptz,
  revoked_at  timestamptz,
  CONSTRAINT audit_api_keys_pkey PRIMARY KEY (key_sha256),
  CONSTRAINT audit_api_keys_scopes CHECK (@extschema@.audit_are_scopes(scopes)),
  CONSTRAINT audit_api_keys_self CHECK (user_id IS NOT NULL OR NOT 'audit:read:self' OPERATOR(pg_catalog.=) ANY (scopes))
);
-- A revoked key stays as a record; its name can be given again.
CREATE UNIQUE INDEX audit_api_keys_name ON @extschema@.audit_api_keys (name) WHERE revoked_at IS NULL;
COMMENT ON TABLE @extschema@.audit_api_keys IS 'Keys that programs send as X-API-Key. Managed by audit_create_api_key() and audit_revoke_api_key().';
COMMENT ON COLUMN @extschema@.audit_api_keys.name IS 'What the key is for; one key in force a name.';
COMMENT ON COLUMN @extschema@.audit_api_keys.key_sha256 IS 'SHA-256 of the key. The key itself is random, shown once and stored nowhere.';
COMMENT ON COLUMN @extschema@.audit_api_keys.scopes IS 'What the key may be used for.';
COMMENT ON COLUMN @extschema@.audit_api_keys.user_id IS 'The user_id of the holder''s own events, for audit:read:self.';
COMMENT ON COLUMN @extschema@.audit_api_keys.db_role IS 'The database role that requests run under; NULL: the daemon''s own.';
COMMENT ON COLUMN @extschema@.audit_api_keys.created_at IS 'When the key was made.';
COMMENT ON COLUMN @extschema@.audit_api_keys.expires_at IS 'From when on it is refused; NULL: never.';
COMMENT ON COLUMN @extschema@.audit_api_keys.revoked_at IS 'When it was revoked; NULL: in force.';

SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_users', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_api_keys', '');

CREATE FUNCTION @extschema@.audit_notify_principals() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('audit_ext_principals', '');
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_notify_principals() IS
'Trigger of audit_users and audit_api_keys: tells the daemons (NOTIFY audit_ext_principals) to forget whom they remember.';

CREATE TRIGGER audit_notify_principals AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON @extschema@.audit_users
FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.audit_notify_principals();
CREATE TRIGGER audit_notify_principals AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON @extschema@.audit_api_keys
FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.audit_notify_principals();

-- pgcrypto may be installed in any schema and moved later. Bodies in BEGIN ATOMIC are bound to its functions for good.
DO $do$
DECLARE
  pgcrypto_schema text := (SELECT n.nspname FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
    WHERE e.extname OPERATOR(pg_catalog.=) 'pgcrypto');
BEGIN
  EXECUTE pg_catalog.format($sql$
    CREATE FUNCTION @extschema@.audit_hash_password(password text) RETURNS text
    LANGUAGE sql VOLATILE STRICT BEGIN ATOMIC SELECT %1$I.crypt(password, %1$I.gen_salt('bf', 10)); END;
    CREATE FUNCTION @extschema@.audit_is_password(password text, password_hash text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT BEGIN ATOMIC
      SELECT %1$I.crypt(password, password_hash) OPERATOR(pg_catalog.=) password_hash; END;
    CREATE FUNCTION @extschema@.audit_make_api_key() RETURNS text
    LANGUAGE sql VOLATILE BEGIN ATOMIC
      SELECT pg_catalog.concat('ak_', pg_catalog.translate(pg_catalog.encode(%1$I.gen_random_bytes(32), 'base64'), '+/=', '-_'));
    END;
  $sql$, pgcrypto_schema);
END
$do$;
COMMENT ON FUNCTION @extschema@.audit_hash_password(text) IS 'bcrypt hash of a password, cost 10, with a random salt.';
COMMENT ON FUNCTION @extschema@.audit_is_password(text, text) IS 'Whether the password has that bcrypt hash. Takes as long for a wrong one.';
COMMENT ON FUNCTION @extschema@.audit_make_api_key() IS 'A new random key of 256 bits: ak_ and 43 characters of base64url.';

CREATE FUNCTION @extschema@.audit_check_password(password text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- bcrypt reads 72 bytes and ignores the rest without a word.
  IF password IS NULL OR length(password) < 8 OR octet_length(password) > 72 THEN
    RAISE EXCEPTION 'password is too short or too long' USING ERRCODE = 'invalid_password',
      DETAIL = format('It has %s characters, %s bytes.', coalesce(length(password), 0), coalesce(octet_length(password), 0)),
      HINT = 'Use at least 8 characters and at most 72 bytes.';
  END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_check_password(text) IS
'Raises 28P01 unless the password has at least 8 characters and at most 72 bytes, all that bcrypt reads.';

CREATE FUNCTION @extschema@.audit_check_principal(name text, scopes text[], user_id bigint, db_role text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(name, '') = '' THEN
    RAISE EXCEPTION 'name must not be empty' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF @extschema@.audit_are_scopes(scopes) IS NOT TRUE THEN
    RAISE EXCEPTION 'unknown scope' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got %s.', coalesce(scopes::text, 'NULL')), HINT = 'Scopes are audit:read and audit:read:self.';
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
COMMENT ON FUNCTION @extschema@.audit_check_principal(text, text[], bigint, text) IS
'Raises 22023 for an empty name, an unknown scope, audit:read:self without user_id, and a db_role that does not exist or is too mighty.';

CREATE FUNCTION @extschema@.audit_create_user(
  username text, password text, scopes text[] DEFAULT ARRAY['audit:read'], user_id bigint DEFAULT NULL, db_role text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.audit_check_principal(username, scopes, user_id, db_role);
  PERFORM @extschema@.audit_check_password(password);
  INSERT INTO @extschema@.audit_users (username, password_hash, scopes, user_id, db_role)
  VALUES ($1, @extschema@.audit_hash_password($2), $3, $4, $5);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_create_user(text, text, text[], bigint, text) IS
'Makes a user who can get tokens from POST /v1/auth/token. scopes: audit:read, audit:read:self. user_id: whose events audit:read:self shows. db_role: the database role that requests run under; the daemon''s role must be a member of it. Raises 23505 for a name in use, 28P01 for a password under 8 characters or over 72 bytes, 22023 for other wrong arguments.';

CREATE FUNCTION @extschema@.audit_require_user(username text, was_found boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT was_found THEN
    RAISE EXCEPTION 'user "%" does not exist', username USING ERRCODE = 'undefined_object',
      HINT = 'audit_users lists the users.';
  END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_require_user(text, boolean) IS 'Raises 42704 unless the user was found.';

CREATE FUNCTION @extschema@.audit_set_password(username text, password text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.audit_check_password(password);
  UPDATE @extschema@.audit_users u
  SET password_hash = @extschema@.audit_hash_password($2), token_epoch = u.token_epoch + 1 WHERE u.username = $1;
  PERFORM @extschema@.audit_require_user($1, FOUND);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_set_password(text, text) IS
'Changes a user''s password and revokes the tokens issued so far. Raises 42704 for no such user, 28P01 for a password under 8 characters or over 72 bytes.';

CREATE FUNCTION @extschema@.audit_revoke_tokens(username text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.audit_users u SET token_epoch = u.token_epoch + 1 WHERE u.username = $1;
  PERFORM @extschema@.audit_require_user($1, FOUND);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_revoke_tokens(text) IS
'Makes every token issued to the user so far worthless. Takes effect on commit. Raises 42704 for no such user.';

CREATE FUNCTION @extschema@.audit_drop_user(username text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM @extschema@.audit_users u WHERE u.username = $1;
  PERFORM @extschema@.audit_require_user($1, FOUND);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_drop_user(text) IS
'Removes a user; tokens issued to it are refused from the commit on. Raises 42704 for no such user.';

CREATE FUNCTION @extschema@.audit_create_api_key(
  name text, scopes text[] DEFAULT ARRAY['audit:read'], user_id bigint DEFAULT NULL, db_role text DEFAULT NULL,
  expires_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  api_key text := @extschema@.audit_make_api_key();
BEGIN
  PERFORM @extschema@.audit_check_principal(name, scopes, user_id, db_role);
  INSERT INTO @extschema@.audit_api_keys (name, key_sha256, scopes, user_id, db_role, expires_at)
  VALUES ($1, sha256(convert_to(api_key, 'UTF8')), $2, $3, $4, $5);
  RETURN api_key;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_create_api_key(text, text[], bigint, text, timestamptz) IS
'Makes an API key and returns it: the only time that it is shown. scopes, user_id, db_role: as for audit_create_user(). expires_at: from when on it is refused. Raises 23505 where a key of that name is in force, 22023 for wrong arguments.';

CREATE FUNCTION @extschema@.audit_revoke_api_key(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.audit_api_keys k SET revoked_at = now() WHERE k.name = $1 AND k.revoked_at IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'API key "%" is not in force', name USING ERRCODE = 'undefined_object',
      HINT = 'audit_api_keys lists the keys.';
  END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_revoke_api_key(text) IS
'Revokes the key of that name; it is refused from the commit on. Raises 42704 where no key of that name is in force.';

-------------------------------------------------------------------------------------------------------------------
-- Authentication: what the daemon calls. With the rights of the owner, since nobody else may read the hashes.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_authenticate_password(username text, password text)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, token_epoch integer)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  candidate @extschema@.audit_users;
  -- The hash of nobody's password: an unknown name takes as long as a wrong password.
  dummy_hash CONSTANT text := '$2a$10$abcdefghijklmnopqrstuuYRGjyvzj1HFK02sK5zCMhQ6N2Z1kYRi';
BEGIN
  SELECT * INTO candidate FROM @extschema@.audit_users u WHERE u.username = $1;
  IF @extschema@.audit_is_password($2, coalesce(candidate.password_hash, dummy_hash))
     AND candidate.username IS NOT NULL AND octet_length($2) <= 72 THEN
    RETURN QUERY SELECT 'user:' || candidate.username, candidate.user_id, array_to_string(candidate.scopes, ' '),
                        candidate.db_role, candidate.token_epoch;
  END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_authenticate_password(text, text) IS
'The user with that name and password, or no row. Takes about 70 ms of one core, by design of bcrypt. scope: space separated. token_epoch: to be put into the token. For the daemon.';

CREATE FUNCTION @extschema@.audit_authenticate_token(username text, token_epoch integer)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role
  FROM @extschema@.audit_users u WHERE u.username = $1 AND u.token_epoch = $2
$$;
COMMENT ON FUNCTION @extschema@.audit_authenticate_token(text, integer) IS
'The user that a token was issued to, or no row: gone, or the token was revoked. The caller has checked the token''s signature. For the daemon.';

CREATE FUNCTION @extschema@.audit_authenticate_api_key(key_sha256 bytea)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, expires_at timestamptz)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'api_key:' || k.name, k.user_id, array_to_string(k.scopes, ' '), k.db_role, k.expires_at
  FROM @extschema@.audit_api_keys k
  WHERE k.key_sha256 = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
$$;
COMMENT ON FUNCTION @extschema@.audit_authenticate_api_key(bytea) IS
'The holder of the key with that SHA-256, or no row: unknown, revoked or expired. The key itself never reaches the server and its logs. For the daemon.';

-------------------------------------------------------------------------------------------------------------------
-- Row-level security in dumps. pg_dump leaves out the policies of an extension's tables, so that a restored trail would
-- show everybody everything. Therefore the statements that make them are kept as rows, which pg_dump does take, and run
-- when these rows arrive.
-------------------------------------------------------------------------------------------------------------------

CREATE TABLE @extschema@.audit_policies (
  statement text NOT NULL,
  CONSTRAINT audit_policies_pkey PRIMARY KEY (statement)
);
COMMENT ON TABLE @extschema@.audit_policies IS 'A copy, for dumps, of the row-level security of audit_events. Kept by an event trigger: use CREATE POLICY and ALTER TABLE as ever.';
COMMENT ON COLUMN @extschema@.audit_policies.statement IS 'The statement that makes a policy or switches row-level security on.';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.audit_policies', '');

CREATE FUNCTION @extschema@.audit_policy_statements() RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('ALTER TABLE %s %s ROW LEVEL SECURITY', c.oid::regclass, f.switch)
  FROM pg_class c, LATERAL (VALUES ('ENABLE', c.relrowsecurity), ('FORCE', c.relforcerowsecurity)) f(switch, is_on)
  WHERE f.is_on AND c.oid IN ('@extschema@.audit_events'::regclass, '@extschema@.audit_events_default'::regclass)
  UNION ALL
  SELECT concat(format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, p.polrelid::regclass,
      CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      (SELECT string_agg(CASE WHEN r.oid = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.oid)) END, ', ' ORDER BY r.oid)
       FROM unnest(p.polroles) r(oid))),
    ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  FROM pg_policy p
  WHERE p.polrelid IN ('@extschema@.audit_events'::regclass, '@extschema@.audit_events_default'::regclass)
$$;
COMMENT ON FUNCTION @extschema@.audit_policy_statements() IS
'The statements that make the row-level security of audit_events as it is now.';

-- With the owner's rights, since it also fires for the ALTER TABLE of those who have none here. They cannot change
-- what it saves: only the owner of audit_events can.
CREATE FUNCTION @extschema@.audit_save_policies() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_trigger_depth() > 0 THEN RETURN; END IF;  -- audit_restore_policy is at work, from rows that are there already
  IF to_regclass('@extschema@.audit_policies') IS NULL THEN
    -- Nobody's ALTER TABLE may fail for this.
    RAISE WARNING 'row-level security of audit_events is not saved for dumps' USING
      DETAIL = 'The schema of audit_ext was renamed.', HINT = 'Rename it back: @extschema@.';
    RETURN;
  END IF;
  DELETE FROM @extschema@.audit_policies a WHERE a.statement NOT IN (SELECT s FROM @extschema@.audit_policy_statements() s);
  INSERT INTO @extschema@.audit_policies SELECT s FROM @extschema@.audit_policy_statements() s ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_save_policies() IS
'Event trigger: brings audit_policies up to date after a change of policies.';

CREATE FUNCTION @extschema@.audit_restore_policy() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.statement NOT IN (SELECT s FROM @extschema@.audit_policy_statements() s) THEN
    EXECUTE NEW.statement;
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_restore_policy() IS
'Trigger of audit_policies: runs a statement that arrives from a dump, unless it is in force already.';

CREATE TRIGGER audit_restore_policy AFTER INSERT ON @extschema@.audit_policies
FOR EACH ROW EXECUTE FUNCTION @extschema@.audit_restore_policy();

CREATE EVENT TRIGGER audit_ext_save_policies ON ddl_command_end
WHEN TAG IN ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY', 'ALTER TABLE', 'DROP OWNED')
EXECUTE FUNCTION @extschema@.audit_save_policies();

-------------------------------------------------------------------------------------------------------------------
-- Rights
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_grant_reader(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT SELECT ON @extschema@.audit_events TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_list, @extschema@.audit_list_json,
                  @extschema@.audit_explain, @extschema@.audit_get, @extschema@.audit_get_json TO %I', role);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_grant_reader(name) IS
'Lets the role read events: audit_list(), audit_list_json(), audit_explain(), audit_get(), audit_get_json() and SELECT on audit_events. Row-level security on audit_events narrows it.';

CREATE FUNCTION @extschema@.audit_grant_writer(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT INSERT ON @extschema@.audit_events TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_log, @extschema@.audit_make_id TO %I', role);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_grant_writer(name) IS
'Lets the role record events: audit_log(), INSERT and COPY into audit_events. It cannot read, change or remove any.';

CREATE FUNCTION @extschema@.audit_grant_frontend(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  EXECUTE format('GRANT SELECT ON @extschema@.audit_events TO %I', role);
  EXECUTE format('GRANT EXECUTE ON FUNCTION @extschema@.audit_list_json, @extschema@.audit_get_json,
                  @extschema@.audit_authenticate_password, @extschema@.audit_authenticate_token,
                  @extschema@.audit_authenticate_api_key TO %I', role);
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
COMMENT ON FUNCTION @extschema@.audit_grant_frontend(name) IS
'Lets the role serve as audit_httpd: the functions the daemon calls, and SELECT on audit_events, since reads run with the caller''s own rights; nothing else. Sets log_parameter_max_length = 0 for the role, so that passwords stay out of the server''s log.';

-- Nobody but the owner, unless granted above. audit_id_matches stays public: indexes evaluate it with a writer's rights.
REVOKE ALL ON @extschema@.audit_events, @extschema@.audit_events_default, @extschema@.audit_users,
  @extschema@.audit_api_keys, @extschema@.audit_policies FROM PUBLIC;
REVOKE ALL ON FUNCTION
  @extschema@.audit_make_id, @extschema@.audit_events_before_insert, @extschema@.audit_index_partition,
  @extschema@.audit_create_partition, @extschema@.audit_list, @extschema@.audit_list_json, @extschema@.audit_explain,
  @extschema@.audit_get, @extschema@.audit_get_json, @extschema@.audit_log, @extschema@.audit_are_scopes, @extschema@.audit_notify_principals,
  @extschema@.audit_hash_password, @extschema@.audit_is_password, @extschema@.audit_make_api_key,
  @extschema@.audit_check_password, @extschema@.audit_check_principal, @extschema@.audit_create_user,
  @extschema@.audit_require_user, @extschema@.audit_set_password, @extschema@.audit_revoke_tokens,
  @extschema@.audit_drop_user, @extschema@.audit_create_api_key, @extschema@.audit_revoke_api_key,
  @extschema@.audit_authenticate_password, @extschema@.audit_authenticate_token,
  @extschema@.audit_authenticate_api_key, @extschema@.audit_policy_statements, @extschema@.audit_save_policies,
  @extschema@.audit_restore_policy, @extschema@.audit_grant_reader, @extschema@.audit_grant_writer,
  @extschema@.audit_grant_frontend
FROM PUBLIC;
