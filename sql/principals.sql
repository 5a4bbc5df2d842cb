
-------------------------------------------------------------------------------------------------------------------
-- Principals: who may ask the daemon. Only their hashes are stored.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_are_scopes(scopes text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT scopes <@ ARRAY['audit:read', 'audit:read:self', 'audit:write']
     AND cardinality(scopes) > 0;
END;
COMMENT ON FUNCTION @extschema@.audit_are_scopes IS
'Whether the daemon knows these scopes. audit:read: read all events that the database role may see. audit:read:self: '
'read events of the principal''s user_id only. audit:write: record events. Without audit:read, a principal with a '
'user_id records only that user''s events.';

CREATE TABLE @extschema@.audit_users (
  username       text        NOT NULL,
  password_hash  text        NOT NULL,
  scopes         text[]      NOT NULL,
  user_id        bigint,
  db_role        text,
  -- Starts at random, so that a user made again under an old name does not inherit that one's tokens.
  token_epoch    integer     NOT NULL DEFAULT floor(random() * 1000000000),
  created_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT audit_users_pkey PRIMARY KEY (username),
  CONSTRAINT audit_users_scopes CHECK (@extschema@.audit_are_scopes(scopes)),
  CONSTRAINT audit_users_self CHECK (user_id IS NOT NULL OR NOT 'audit:read:self' = ANY (scopes))
);
COMMENT ON TABLE @extschema@.audit_users IS
'Users who log in to the daemon with a password. audit_create_user() and related functions manage them.';
COMMENT ON COLUMN @extschema@.audit_users.username IS 'The name to log in with.';
COMMENT ON COLUMN @extschema@.audit_users.password_hash IS 'bcrypt hash of the password (pgcrypto).';
COMMENT ON COLUMN @extschema@.audit_users.scopes IS 'The scopes of this user''s tokens.';
COMMENT ON COLUMN @extschema@.audit_users.db_role IS
'The database role that requests run under; NULL: the daemon''s own.';
COMMENT ON COLUMN @extschema@.audit_users.token_epoch IS 'Tokens carry it. A token with another value is rejected.';
COMMENT ON COLUMN @extschema@.audit_users.created_at IS 'When the user was made.';
COMMENT ON COLUMN @extschema@.audit_users.user_id IS
'The user_id of this user''s own events, for audit:read:self and audit:write.';
SELECT pg_extension_config_dump('@extschema@.audit_users', '');

CREATE TABLE @extschema@.audit_api_keys (
  name        text        NOT NULL,
  key_sha256  bytea       NOT NULL,
  scopes      text[]      NOT NULL,
  user_id     bigint,
  db_role     text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz,
  revoked_at  timestamptz,
  CONSTRAINT audit_api_keys_pkey PRIMARY KEY (key_sha256),
  CONSTRAINT audit_api_keys_scopes CHECK (@extschema@.audit_are_scopes(scopes)),
  CONSTRAINT audit_api_keys_self CHECK (user_id IS NOT NULL OR NOT 'audit:read:self' = ANY (scopes))
);
COMMENT ON TABLE @extschema@.audit_api_keys IS
'Keys that programs send as X-API-Key. audit_create_api_key() and audit_revoke_api_key() manage them.';
COMMENT ON COLUMN @extschema@.audit_api_keys.name IS 'What the key is for. A name has at most one key in force.';
COMMENT ON COLUMN @extschema@.audit_api_keys.key_sha256 IS
'SHA-256 of the key. The key itself is random. It is shown once and never stored.';
COMMENT ON COLUMN @extschema@.audit_api_keys.scopes IS 'The scopes of the key.';
COMMENT ON COLUMN @extschema@.audit_api_keys.db_role IS
'The database role that requests run under; NULL: the daemon''s own.';
COMMENT ON COLUMN @extschema@.audit_api_keys.created_at IS 'When the key was made.';
COMMENT ON COLUMN @extschema@.audit_api_keys.expires_at IS 'When it expires. NULL: never.';
COMMENT ON COLUMN @extschema@.audit_api_keys.revoked_at IS 'When it was revoked; NULL: in force.';
COMMENT ON COLUMN @extschema@.audit_api_keys.user_id IS
'The user_id of the holder''s own events, for audit:read:self and audit:write.';
-- A revoked key stays as a record; its name can be given again.
CREATE UNIQUE INDEX audit_api_keys_name ON @extschema@.audit_api_keys (name) WHERE revoked_at IS NULL;
SELECT pg_extension_config_dump('@extschema@.audit_api_keys', '');

CREATE FUNCTION @extschema@.audit_notify_principals() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('audit_ext_principals', '');
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_notify_principals IS
'Trigger of audit_users and audit_api_keys: notifies the daemons (NOTIFY audit_ext_principals), which forget the '
'principals that they remember.';
CREATE TRIGGER audit_notify_principals AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON @extschema@.audit_users
FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.audit_notify_principals();
CREATE TRIGGER audit_notify_principals AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON @extschema@.audit_api_keys
FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.audit_notify_principals();

-- pgcrypto may be installed in any schema and moved later. Bodies in BEGIN ATOMIC are bound to its functions for good.
DO $do$
DECLARE
  pgcrypto_schema text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                           WHERE e.extname = 'pgcrypto');
BEGIN
  EXECUTE format($sql$
    CREATE FUNCTION @extschema@.audit_hash_password(password text) RETURNS text
    LANGUAGE sql VOLATILE STRICT
    BEGIN ATOMIC
      SELECT %1$I.crypt(password, %1$I.gen_salt('bf', 10));
    END;
    CREATE FUNCTION @extschema@.audit_is_password(password text, password_hash text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT
    BEGIN ATOMIC
      SELECT %1$I.crypt(password, password_hash) = password_hash;
    END;
    CREATE FUNCTION @extschema@.audit_make_api_key() RETURNS text
    LANGUAGE sql VOLATILE
    BEGIN ATOMIC
      SELECT concat('ak_', translate(encode(%1$I.gen_random_bytes(32), 'base64'), '+/=', '-_'));
    END;
    CREATE FUNCTION @extschema@.audit_password_salt(username text) RETURNS text
    LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
    BEGIN ATOMIC
      SELECT coalesce((SELECT "left"(u.password_hash, 29) FROM @extschema@.audit_users u WHERE u.username = $1),
                      %1$I.gen_salt('bf', 10));
    END;
  $sql$, pgcrypto_schema);
END
$do$;
COMMENT ON FUNCTION @extschema@.audit_hash_password IS 'bcrypt hash of a password, cost 10, with a random salt.';
COMMENT ON FUNCTION @extschema@.audit_is_password IS
'Whether the password has that bcrypt hash. Takes as long for a wrong one.';
COMMENT ON FUNCTION @extschema@.audit_make_api_key IS
'A new random key of 256 bits: ak_ and 43 characters of base64url.';
COMMENT ON FUNCTION @extschema@.audit_password_salt IS
'The salt of the user''s bcrypt hash: $2a$, cost, $ and 22 characters. An unknown name gets a random salt of cost '
'10. For the daemon.';

CREATE FUNCTION @extschema@.audit_check_password(password text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- bcrypt reads 72 bytes and ignores the rest without a word.
  IF password IS NULL OR length(password) < 8 OR octet_length(password) > 72 THEN
    RAISE EXCEPTION 'password is too short or too long' USING ERRCODE = 'invalid_password',
      DETAIL = format('It has %s characters, %s bytes.', coalesce(length(password), 0),
                      coalesce(octet_length(password), 0)),
      HINT = 'Use at least 8 characters and at most 72 bytes.';
  END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_check_password IS
'Raises 28P01 unless the password has at least 8 characters and at most 72 bytes. bcrypt reads no more.';

-- A hash instead of the password: what is typed into a client gets into logs.
CREATE FUNCTION @extschema@.audit_to_password_hash(password text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF password !~ '^\$2[a-z]?\$' OR password IS NULL THEN
    PERFORM @extschema@.audit_check_password(password);
    RETURN @extschema@.audit_hash_password(password);
  END IF;
  -- As bcrypt writes it, 16 bytes of salt and 23 of hash. No password has a hash of another form.
  IF password !~ '^\$2[aby]\$1[0-2]\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$' THEN
    RAISE EXCEPTION 'password is no bcrypt hash that can be used' USING ERRCODE = 'invalid_password',
      DETAIL = 'A text that begins like a bcrypt hash is taken for one. '
        'It needs a cost of 10 to 12, 22 characters of salt and 31 of hash.',
      HINT = 'Make one with: htpasswd -nBC 10 "" | tr -d '':''';
  END IF;
  RETURN concat('$2a$', substr(password, 5));  -- three names of the same function; pgcrypto knows this one
END
$$;
COMMENT ON FUNCTION @extschema@.audit_to_password_hash IS
'The bcrypt hash of a password. A bcrypt hash ($2a$, $2b$ or $2y$, cost 10 to 12) is returned as it is. Raises 28P01 '
'for a password under 8 characters or over 72 bytes, and for an unusable hash.';

CREATE FUNCTION @extschema@.audit_check_principal(name text, scopes text[], user_id bigint, db_role text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(name, '') = '' THEN
    RAISE EXCEPTION 'name must not be empty' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF @extschema@.audit_are_scopes(scopes) IS NOT TRUE THEN
    RAISE EXCEPTION 'unknown scope' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = format('Got %s.', coalesce(scopes::text, 'NULL')),
      HINT = 'Scopes are audit:read, audit:read:self and audit:write.';
  END IF;
  IF user_id IS NULL AND 'audit:read:self' = ANY (scopes) THEN
    RAISE EXCEPTION 'scope audit:read:self needs a user_id' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Pass the user_id whose events the holder may read.';
  END IF;
  IF db_role IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_roles r WHERE r.rolname = db_role AND NOT r.rolsuper AND NOT r.rolbypassrls) THEN
    RAISE EXCEPTION 'db_role "%" cannot be used', db_role USING ERRCODE = 'invalid_parameter_value',
      DETAIL = 'It does not exist, or it is a superuser or bypasses row-level security.',
      HINT = 'Name an ordinary role that the daemon''s role is a member of.';
  END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_check_principal IS
'Raises 22023 for an empty name, an unknown scope, audit:read:self without user_id, and an unknown or too powerful '
'db_role.';

CREATE FUNCTION @extschema@.audit_create_user(
  username text, password text, scopes text[] DEFAULT ARRAY['audit:read'], user_id bigint DEFAULT NULL,
  db_role text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- Beforehand: pgaudit and auto_explain log what the statements of functions have as parameters.
  new_hash text;
BEGIN
  PERFORM @extschema@.audit_check_principal(username, scopes, user_id, db_role);
  new_hash := @extschema@.audit_to_password_hash(password);
  INSERT INTO @extschema@.audit_users (username, password_hash, scopes, user_id, db_role)
  VALUES ($1, new_hash, $3, $4, $5);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_create_user IS
'Makes a user who can get tokens from POST /v1/auth/token. password: the password, or its bcrypt hash ($2a$, $2b$ or '
'$2y$, cost 10 to 12), which keeps it out of the server''s log. Cost 10 takes as long as an unknown name. scopes: '
'audit:read, audit:read:self, audit:write. user_id: audit:read:self shows its events. audit:write without audit:read '
'records only its events. db_role: the database role that requests run under. The daemon''s role must be a member of '
'it. Raises 23505 for a name in use. Raises 28P01 for a password under 8 characters or over 72 bytes, and for an '
'unusable hash. Raises 22023 for other wrong arguments.';

CREATE FUNCTION @extschema@.audit_require_user(username text, was_found boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT was_found THEN
    RAISE EXCEPTION 'user "%" does not exist', username USING ERRCODE = 'undefined_object',
      HINT = 'audit_users lists the users.';
  END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_require_user IS 'Raises 42704 unless the user was found.';

CREATE FUNCTION @extschema@.audit_set_password(username text, password text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  new_hash text := @extschema@.audit_to_password_hash(password);
BEGIN
  UPDATE @extschema@.audit_users u SET password_hash = new_hash, token_epoch = u.token_epoch + 1 WHERE u.username = $1;
  PERFORM @extschema@.audit_require_user($1, FOUND);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_set_password IS
'Changes a user''s password and revokes the tokens issued so far. password: the password, or its bcrypt hash, as for '
'audit_create_user(). Raises 42704 for an unknown user. Raises 28P01 for a password under 8 characters or over 72 '
'bytes, and for an unusable hash.';

CREATE FUNCTION @extschema@.audit_revoke_tokens(username text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.audit_users u SET token_epoch = u.token_epoch + 1 WHERE u.username = $1;
  PERFORM @extschema@.audit_require_user($1, FOUND);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_revoke_tokens IS
'Revokes all tokens issued to the user so far. Takes effect on commit. Raises 42704 for an unknown user.';

CREATE FUNCTION @extschema@.audit_drop_user(username text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM @extschema@.audit_users u WHERE u.username = $1;
  PERFORM @extschema@.audit_require_user($1, FOUND);
END
$$;
COMMENT ON FUNCTION @extschema@.audit_drop_user IS
'Removes a user. Its tokens are rejected from the commit on. Raises 42704 for an unknown user.';

CREATE FUNCTION @extschema@.audit_create_api_key(
  name text, scopes text[] DEFAULT ARRAY['audit:read'], user_id bigint DEFAULT NULL, db_role text DEFAULT NULL,
  expires_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  api_key text := @extschema@.audit_make_api_key();
  key_hash bytea := sha256(convert_to(api_key, 'UTF8'));  -- beforehand, as above
BEGIN
  PERFORM @extschema@.audit_check_principal(name, scopes, user_id, db_role);
  INSERT INTO @extschema@.audit_api_keys (name, key_sha256, scopes, user_id, db_role, expires_at)
  VALUES ($1, key_hash, $2, $3, $4, $5);
  RETURN api_key;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_create_api_key IS
'Makes an API key and returns it. The key is shown only this once. scopes, user_id, db_role: as for '
'audit_create_user(). expires_at: when the key expires. Raises 23505 if a key of that name is in force, and 22023 '
'for wrong arguments.';

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
COMMENT ON FUNCTION @extschema@.audit_revoke_api_key IS
'Revokes the key of that name. It is rejected from the commit on. Raises 42704 if no key of that name is in force.';
