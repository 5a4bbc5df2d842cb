
-------------------------------------------------------------------------------------------------------------------
-- Rights
-------------------------------------------------------------------------------------------------------------------

-- What the audit_grant_ functions below grant: the one list of it. The functions are bound when the view is made. The
-- tables are not: Citus would distribute all that the functions use with audit_events. Guards keep their names.
CREATE VIEW @extschema@.audit_grants AS
SELECT t.kind, t.privilege, 'TABLE' AS object_type, c.oid::regclass::text AS object FROM (VALUES
  ('reader', 'SELECT', 'audit_events'),
  ('writer', 'INSERT', 'audit_events'),
  ('frontend', 'SELECT', 'audit_events'),
  ('maintainer', 'SELECT', 'audit_status')) t(kind, privilege, name)
JOIN pg_extension e ON e.extname = 'audit_ext'
JOIN pg_class c ON c.relnamespace = e.extnamespace AND c.relname = t.name
UNION ALL
SELECT r.kind, 'EXECUTE', 'ROUTINE', r.name::regprocedure::text FROM (VALUES
  ('reader', '@extschema@.audit_list'::regproc),
  ('reader', '@extschema@.audit_list_json'),
  ('reader', '@extschema@.audit_explain'),
  ('reader', '@extschema@.audit_get'),
  ('reader', '@extschema@.audit_get_json'),
  ('writer', '@extschema@.audit_log'),
  ('writer', '@extschema@.audit_log_batch'),
  ('writer', '@extschema@.audit_log_json'),
  ('writer', '@extschema@.audit_log_text'),
  ('writer', '@extschema@.audit_find_answer'),
  ('writer', '@extschema@.audit_keep_answer'),
  ('writer', '@extschema@.audit_make_id'),
  ('frontend', '@extschema@.audit_list_json'),
  ('frontend', '@extschema@.audit_get_json'),
  ('frontend', '@extschema@.audit_password_salt'),
  ('frontend', '@extschema@.audit_authenticate_proof'),
  ('frontend', '@extschema@.audit_authenticate_password'),
  ('frontend', '@extschema@.audit_authenticate_token'),
  ('frontend', '@extschema@.audit_authenticate_api_key'),
  ('frontend', '@extschema@.audit_authenticate_certificate'),
  ('frontend', '@extschema@.audit_read_status'),
  ('maintainer', '@extschema@.audit_maintain'),
  ('maintainer', '@extschema@.audit_read_status')) r(kind, name);
COMMENT ON VIEW @extschema@.audit_grants IS
'What audit_grant_reader(), audit_grant_writer(), audit_grant_frontend() and audit_grant_maintainer() grant, besides '
'USAGE on the schema.';
COMMENT ON COLUMN @extschema@.audit_grants.kind IS 'Which of these functions: reader, writer, frontend or maintainer.';
COMMENT ON COLUMN @extschema@.audit_grants.privilege IS 'SELECT, INSERT or EXECUTE.';
COMMENT ON COLUMN @extschema@.audit_grants.object_type IS 'TABLE or ROUTINE.';
COMMENT ON COLUMN @extschema@.audit_grants.object IS 'The name, a routine''s with the types of its arguments.';

CREATE FUNCTION @extschema@.audit_grant(kind text, role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  granted record;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %I', role);
  FOR granted IN SELECT g.privilege, g.object_type, g.object FROM @extschema@.audit_grants g WHERE g.kind = $1 LOOP
    EXECUTE format('GRANT %s ON %s %s TO %I', granted.privilege, granted.object_type, granted.object, role);
  END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_grant IS 'Grants the role what audit_grants lists for that kind.';

CREATE FUNCTION @extschema@.audit_grant_reader(role name) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT @extschema@.audit_grant('reader', role);
END;
COMMENT ON FUNCTION @extschema@.audit_grant_reader IS
'Lets the role read events: audit_list(), audit_list_json(), audit_explain(), audit_get(), audit_get_json() and '
'SELECT on audit_events. Row-level security on audit_events narrows it.';

CREATE FUNCTION @extschema@.audit_grant_writer(role name) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT @extschema@.audit_grant('writer', role);
END;
COMMENT ON FUNCTION @extschema@.audit_grant_writer IS
'Lets the role record events: audit_log(), audit_log_batch(), audit_log_json(), INSERT and COPY into audit_events. It '
'cannot read, change or remove any. For a daemon that serves POST /v1/audit/events, besides audit_grant_frontend().';

CREATE FUNCTION @extschema@.audit_grant_frontend(role name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.audit_grant('frontend', role);
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
COMMENT ON FUNCTION @extschema@.audit_grant_frontend IS
'Lets the role serve as audit_httpd: the functions that the daemon calls, and SELECT on audit_events, because reads '
'run with the caller''s rights. Nothing else. Sets log_parameter_max_length = 0 for the role, so that what callers '
'send stays out of the server''s log.';

CREATE FUNCTION @extschema@.audit_grant_maintainer(role name) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  SELECT @extschema@.audit_grant('maintainer', role);
END;
COMMENT ON FUNCTION @extschema@.audit_grant_maintainer IS
'Lets the role CALL audit_maintain() and read audit_status, for a scheduler. It can change neither the configuration '
'nor holds, and reads no events.';

-- Only the owner may use what is not granted above. audit_id_matches stays open: indexes evaluate it with a writer's
-- rights. So does what a page of a distributed trail goes through: grants of functions do not reach workers.
-- audit_shard_page() checks the right to read the shard.
DO $$
DECLARE
  member record;
BEGIN
  FOR member IN
    SELECT 'ROUTINE' AS type, p.oid::regprocedure::text AS name
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'audit_ext'
    JOIN pg_proc p ON p.oid = d.objid AND p.proname NOT IN ('audit_id_matches', 'audit_shard_page')
    WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
    UNION ALL
    SELECT 'TABLE', c.oid::regclass::text
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'audit_ext'
    JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'audit_shards'
    WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_class'::regclass
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM PUBLIC', member.type, member.name);
  END LOOP;
END
$$;
