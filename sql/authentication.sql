
-------------------------------------------------------------------------------------------------------------------
-- Authentication: what the daemon calls. With the rights of the owner, since no other role may read the hashes.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_authenticate_proof(username text, proof bytea)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, token_epoch integer)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role, u.token_epoch
  FROM @extschema@.audit_users u WHERE u.username = $1 AND sha256(convert_to(u.password_hash, 'UTF8')) = $2;
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_proof IS
'The user with that name, or no row. proof is the SHA-256 of the bcrypt hash, as text, that the password has with '
'audit_password_salt(). scope: separated by spaces. token_epoch: goes into the token. A proof in a log allows no '
'log-in. Without the salt it does not lead to the password. For the daemon.';

CREATE FUNCTION @extschema@.audit_authenticate_password(username text, password text)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, token_epoch integer)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  -- MATERIALIZED: the hash is made for an unknown name too, with the salt of no user, so that both take as long.
  WITH candidate AS MATERIALIZED (
    SELECT u.* FROM (VALUES (1)) one LEFT JOIN @extschema@.audit_users u ON u.username = $1),
  checked AS MATERIALIZED (
    SELECT c.*, @extschema@.audit_is_password($2,
      coalesce(c.password_hash, '$2a$10$abcdefghijklmnopqrstuuYRGjyvzj1HFK02sK5zCMhQ6N2Z1kYRi'::text)) AS is_right
    FROM candidate c)
  SELECT 'user:' || c.username, c.user_id, array_to_string(c.scopes, ' '), c.db_role, c.token_epoch
  FROM checked c WHERE c.is_right AND c.username IS NOT NULL AND octet_length($2) <= 72;
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_password IS
'The user with that name and password, or no row. Columns as of audit_authenticate_proof(). Takes about 70 ms of one '
'core, by design of bcrypt. The password is a parameter, which logs may show. So the daemon uses '
'audit_password_salt() and audit_authenticate_proof() instead.';

CREATE FUNCTION @extschema@.audit_authenticate_token(username text, token_epoch integer)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role
  FROM @extschema@.audit_users u WHERE u.username = $1 AND u.token_epoch = $2;
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_token IS
'The user that a token was issued to, or no row if the user is gone or the token is revoked. The caller has checked '
'the token''s signature. For the daemon.';

CREATE FUNCTION @extschema@.audit_authenticate_api_key(key_sha256 bytea)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text, expires_at timestamptz)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'api_key:' || k.name, k.user_id, array_to_string(k.scopes, ' '), k.db_role, k.expires_at
  FROM @extschema@.audit_api_keys k
  WHERE k.key_sha256 = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_api_key IS
'The holder of the key with that SHA-256, or no row if the key is unknown, revoked or expired. The key itself never '
'reaches the server and its logs. For the daemon.';

CREATE FUNCTION @extschema@.audit_authenticate_certificate(common_name text)
RETURNS TABLE (principal text, user_id bigint, scope text, db_role text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT 'user:' || u.username, u.user_id, array_to_string(u.scopes, ' '), u.db_role
  FROM @extschema@.audit_users u WHERE u.username = $1;
END;
COMMENT ON FUNCTION @extschema@.audit_authenticate_certificate IS
'The user whose name is the common name of a client certificate, or no row. The caller has verified the certificate. '
'For the daemon.';
