-- Row-level security is kept as rows, since pg_dump leaves out the policies of an extension's tables.
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_tenant;
CREATE ROLE regress_tenant;
SELECT * FROM audit_policies;
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY "own events" ON audit_events TO regress_tenant USING (user_id = 1) WITH CHECK (user_id = 1);
CREATE POLICY all_read ON audit_events AS RESTRICTIVE FOR SELECT USING (status <> 'secret');
SELECT statement FROM audit_policies ORDER BY statement COLLATE "C";
ALTER POLICY all_read ON audit_events USING (true);
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;
SELECT statement FROM audit_policies ORDER BY statement COLLATE "C";
-- gone, as in an empty database before its rows are restored
CREATE TEMP TABLE dumped AS TABLE audit_policies;
DROP POLICY "own events" ON audit_events;
DROP POLICY all_read ON audit_events;
ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY;
SELECT count(*) FROM audit_policies;
-- the rows bring it all back
INSERT INTO audit_policies TABLE dumped;
SELECT count(*) FROM pg_policy WHERE polrelid = 'audit_events'::regclass;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'audit_events'::regclass;
SELECT count(*) AS differences FROM (TABLE audit_policies EXCEPT TABLE dumped) d;
-- others' tables are none of its business, and others need no rights for theirs
GRANT CREATE ON SCHEMA public TO regress_tenant;
SET ROLE regress_tenant;
CREATE TABLE tenants_own (x int);
ALTER TABLE tenants_own ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON tenants_own USING (x = 1);
DROP TABLE tenants_own;
CREATE POLICY open_door ON audit_events FOR SELECT TO regress_tenant USING (true);
INSERT INTO audit_policies VALUES ('CREATE POLICY open_door ON audit_events');
RESET ROLE;
-- a role that goes takes its policies along
DROP OWNED BY regress_tenant;
SELECT statement FROM audit_policies ORDER BY statement COLLATE "C";
DROP POLICY all_read ON audit_events;
ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY;
SELECT count(*) FROM audit_policies;
DROP ROLE regress_tenant;
-- what was recorded of the policies goes
SET audit_ext.allow_changes = on;
DROP EXTENSION audit_ext;
CREATE EXTENSION audit_ext;
