-- The extension installs with one command, leaves a working system, and goes again without a trace.
SET client_min_messages = warning;
CREATE EXTENSION audit_ext CASCADE;
SELECT installed_version = default_version AS is_current FROM pg_available_extensions WHERE name = 'audit_ext';
-- what there is, by kind
SELECT p.proname, pg_get_function_result(p.oid) LIKE 'TABLE%' AS returns_table, p.provolatile, p.proparallel, p.prosecdef
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext')
ORDER BY p.proname;
\d audit_events
\d audit_events_default
\d audit_users
\d audit_api_keys
-- every function and column says what it is for
SELECT p.proname FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext')
  AND obj_description(p.oid, 'pg_proc') IS NULL;
-- only the owner may execute anything, but for what indexes need
SELECT p.proname FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'audit_ext')
  AND (p.proacl IS NULL OR p.proacl::text LIKE '%{=X%' OR p.proacl::text LIKE '%,=X%');
DROP EXTENSION audit_ext;
SELECT count(*) FROM pg_class WHERE relname LIKE 'audit%';
SELECT count(*) FROM pg_proc WHERE proname LIKE 'audit%';
-- again, for the tests that follow
CREATE EXTENSION audit_ext;
