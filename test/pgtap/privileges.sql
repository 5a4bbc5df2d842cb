-- Least privilege: what each kind of role can do, function by function and table by table.
BEGIN;
CREATE SCHEMA tap;
CREATE EXTENSION pgtap SCHEMA tap;
SET search_path = public, tap;
SET client_min_messages = warning;
CREATE EXTENSION audit_ext SCHEMA public CASCADE;
SELECT no_plan();

CREATE ROLE tap_nobody;
CREATE ROLE tap_reader;
CREATE ROLE tap_writer;
CREATE ROLE tap_frontend;
SELECT audit_grant_reader('tap_reader');
SELECT audit_grant_writer('tap_writer');
SELECT audit_grant_frontend('tap_frontend');

CREATE TEMP VIEW member_function AS
SELECT p.oid, p.proname AS name, p.prosecdef, p.proconfig, p.prosqlbody, p.prolang
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext');

CREATE TEMP TABLE may_execute (role name, functions name[]);
INSERT INTO may_execute VALUES
  ('tap_nobody',   '{audit_id_matches}'),
  ('tap_reader',   '{audit_explain,audit_get,audit_get_json,audit_id_matches,audit_list,audit_list_json}'),
  ('tap_writer',   '{audit_find_answer,audit_id_matches,audit_keep_answer,audit_log,audit_log_batch,audit_log_json,audit_log_text,audit_make_id}'),
  ('tap_frontend', '{audit_authenticate_api_key,audit_authenticate_certificate,audit_authenticate_password,audit_authenticate_proof,audit_authenticate_token,audit_get_json,audit_id_matches,audit_list_json,audit_password_salt,audit_read_status}');
SELECT set_eq(format('SELECT name FROM member_function WHERE has_function_privilege(%L, oid, ''EXECUTE'')', role), functions,
              role || ' may execute what it needs and nothing else') FROM may_execute ORDER BY role;

SELECT table_privs_are('public', t, r, CASE WHEN t = 'audit_events' AND r IN ('tap_reader', 'tap_frontend') THEN ARRAY['SELECT']
                                            WHEN t = 'audit_events' AND r = 'tap_writer' THEN ARRAY['INSERT'] ELSE ARRAY[]::text[] END)
FROM unnest(ARRAY['audit_events', 'audit_events_default', 'audit_events_dump', 'audit_users', 'audit_api_keys', 'audit_policies', 'audit_id_claims', 'audit_idempotency_keys',
            'audit_configuration', 'audit_holds', 'audit_maintenance', 'audit_status']) t, unnest(ARRAY['tap_nobody', 'tap_reader', 'tap_writer', 'tap_frontend']) r;

-- Only what must read hashes, what keeps answers, and the status run with the owner's rights as a whole. C++ takes them for
-- single statements.
SELECT set_eq('SELECT name FROM member_function WHERE prosecdef',
              '{audit_authenticate_api_key,audit_authenticate_password,audit_authenticate_proof,audit_authenticate_token,
                audit_authenticate_certificate,audit_password_salt,audit_find_answer,audit_keep_answer,
                audit_read_status}'::name[]);
-- Every interpreted body is bound: by a fixed search_path, or when it was created.
SELECT is_empty($$SELECT name FROM member_function m JOIN pg_language l ON l.oid = m.prolang
                  WHERE l.lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL
                    AND (proconfig @> '{"search_path=pg_catalog, pg_temp"}') IS NOT TRUE$$);
SELECT is_empty($$SELECT name FROM member_function WHERE obj_description(oid, 'pg_proc') IS NULL$$, 'every function has a comment');
SELECT * FROM finish();
ROLLBACK;
