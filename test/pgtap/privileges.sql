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
CREATE ROLE tap_maintainer;
SELECT audit_grant_maintainer('tap_maintainer');

CREATE TEMP VIEW member_function AS
SELECT p.oid, p.proname AS name, p.prosecdef, p.proconfig, p.prosqlbody, p.prolang
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext');

CREATE TEMP TABLE kind AS SELECT k AS kind, ('tap_' || k)::name AS role FROM unnest(ARRAY['nobody', 'reader', 'writer', 'frontend', 'maintainer']) k;
-- Exactly what audit_grants lists.
SELECT set_eq(format('SELECT oid FROM member_function WHERE has_function_privilege(%L, oid, ''EXECUTE'')', role),
              format('SELECT object::regprocedure::oid FROM audit_grants WHERE kind = %L AND object_type = ''ROUTINE''
                      UNION SELECT ''audit_id_matches''::regproc UNION SELECT ''audit_shard_page''::regproc', kind),
              role || ' may execute what it needs and nothing else') FROM kind;
SELECT table_privs_are('public', r.relname, k.role,
                       ARRAY(SELECT g.privilege FROM audit_grants g WHERE g.kind = k.kind AND g.object_type = 'TABLE' AND g.object::regclass = r.oid
                             UNION ALL SELECT 'SELECT' WHERE r.relname = 'audit_shards'))
FROM pg_depend d JOIN pg_class r ON r.oid = d.objid AND r.relkind IN ('r', 'p', 'v'), kind k
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext');
SELECT bag_eq('SELECT kind, count(*) FROM audit_grants GROUP BY 1', $$VALUES ('reader', 6::bigint), ('writer', 8), ('frontend', 10), ('maintainer', 3)$$,
              'what is granted is no more than it was');

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
