-- The trail is append-only: no role changes it in passing, not even the owner, and what a superuser allows is recorded.
SET client_min_messages = warning;
\set VERBOSITY default
CREATE EXTENSION IF NOT EXISTS audit_ext CASCADE;
CREATE ROLE regress_owner;
SELECT audit_create_partition('2025-01-01Z', '2025-02-01Z');
INSERT INTO audit_events (id, created_at, event_group, event_type)
VALUES ('00000000-0000-0000-0000-000000000001', '2025-01-10Z', 'g', 't'), ('00000000-0000-0000-0000-000000000002', '2024-01-10Z', 'g', 't');
ALTER TABLE audit_events OWNER TO regress_owner;
ALTER TABLE audit_events_20250101 OWNER TO regress_owner;
ALTER TABLE audit_events_default OWNER TO regress_owner;
GRANT CREATE, USAGE ON SCHEMA public TO regress_owner;
-- a partition attached by hand is guarded too
CREATE TABLE by_hand (LIKE audit_events INCLUDING CONSTRAINTS INCLUDING DEFAULTS);
ALTER TABLE by_hand OWNER TO regress_owner;
ALTER TABLE audit_events ATTACH PARTITION by_hand FOR VALUES FROM ('2023-01-01Z') TO ('2023-02-01Z');
INSERT INTO by_hand (id, created_at, event_group, event_type) VALUES ('00000000-0000-0000-0000-000000000003', '2023-01-10Z', 'g', 't');
SELECT audit_guard_partition('by_hand'), audit_guard_partition('by_hand');
SET ROLE regress_owner;
-- rows
UPDATE audit_events SET status = 'failure';
\set VERBOSITY sqlstate
UPDATE by_hand SET status = 'failure';
DELETE FROM audit_events WHERE created_at < '2024-02-01Z';
DELETE FROM audit_events_20250101;
MERGE INTO audit_events USING (VALUES (1)) v(x) ON event_group = 'g' WHEN MATCHED THEN DELETE;
INSERT INTO audit_events_default TABLE audit_events_default ON CONFLICT (created_at, id) DO UPDATE SET status = 'failure';
TRUNCATE audit_events;
TRUNCATE audit_events_20250101;
TRUNCATE by_hand;
-- tables
DROP TABLE audit_events_20250101;
DROP TABLE by_hand, audit_events_20250101;
ALTER TABLE audit_events DETACH PARTITION audit_events_20250101;
ALTER TABLE audit_events DETACH PARTITION audit_events_20250101 CONCURRENTLY;
ALTER TABLE audit_events_20250101 SET UNLOGGED;  -- a crash would empty it
ALTER TABLE audit_events RENAME TO others;
ALTER TABLE audit_events SET SCHEMA public;
-- columns
ALTER TABLE audit_events ALTER status TYPE varchar;
ALTER TABLE audit_events ALTER status SET DEFAULT 'failure';
ALTER TABLE audit_events ALTER status DROP NOT NULL;
ALTER TABLE audit_events RENAME status TO state;
ALTER TABLE audit_events DROP COLUMN status;
ALTER TABLE audit_events_20250101 DROP CONSTRAINT audit_events_20250101_pkey;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_created_at_range;
-- the guards themselves
ALTER TABLE audit_events DISABLE TRIGGER ALL;
ALTER TABLE audit_events_20250101 DISABLE TRIGGER USER;
ALTER TABLE audit_events_20250101 DISABLE TRIGGER audit_guard_rows;
ALTER TABLE audit_events_20250101 ENABLE REPLICA TRIGGER audit_guard_truncate;
ALTER TABLE audit_events DISABLE TRIGGER audit_events_before_insert;
ALTER TRIGGER audit_guard_rows ON audit_events RENAME TO x;
DROP TRIGGER audit_guard_rows ON audit_events;
DROP TRIGGER audit_guard_truncate ON audit_events_20250101;
-- where the trail has become a part of another table
CREATE TABLE larger (LIKE audit_events) PARTITION BY RANGE (created_at);
ALTER TABLE larger ATTACH PARTITION audit_events FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
DROP TABLE audit_events_20250101;
ALTER TABLE audit_events_20250101 DISABLE TRIGGER USER;
TRUNCATE larger;
ALTER TABLE larger DETACH PARTITION audit_events;
DROP TABLE larger;
SET audit_ext.allow_changes = on;
RESET ROLE;
-- nor a superuser by accident, whatever takes the trail along
DROP EXTENSION audit_ext;
DROP EXTENSION btree_gin CASCADE;
DROP SCHEMA public CASCADE;
DROP OWNED BY regress_owner CASCADE;
SET session_replication_role = replica;
DELETE FROM audit_events;
RESET session_replication_role;
SET audit_ext.allow_changes = perhaps;
SET audit_ext.allow_changes = maintenance;
\set VERBOSITY default
SELECT created_at, event_group, event_type, status FROM audit_list();
-- what does not touch recorded events goes on
ALTER TABLE audit_events ADD COLUMN added int;
ALTER TABLE audit_events ALTER COLUMN added SET DEFAULT 7;
ALTER TABLE audit_events ALTER COLUMN path SET STATISTICS 10;
ALTER TABLE audit_events DROP COLUMN added;
ALTER TABLE audit_events_20250101 RENAME TO january;
ALTER TABLE january RENAME TO audit_events_20250101;
SELECT audit_create_partition('2025-02-01Z', '2025-03-01Z');
DROP TABLE audit_events_20250201;  -- empty
CREATE TABLE others (x int);
CREATE TRIGGER own BEFORE INSERT ON others FOR EACH STATEMENT EXECUTE FUNCTION audit_notify_principals();
ALTER TABLE others DISABLE TRIGGER ALL;
UPDATE others SET x = 1;
DROP TABLE others;
-- as a superuser who says so; each is recorded, once a statement and table
SET audit_ext.allow_changes = on;
TRUNCATE audit_events_default;
UPDATE audit_events SET status = 'failure' WHERE event_group = 'g' AND created_at > '2024-01-01Z';
DELETE FROM by_hand;
ALTER TABLE audit_events DETACH PARTITION by_hand;
DROP TABLE audit_events_20250101, by_hand;
ALTER TABLE audit_events ALTER status SET DEFAULT 'success';
RESET audit_ext.allow_changes;
SELECT event_type, resource_type, resource_id, actor_type, actor_id = session_user AS by_me, event_payload
FROM audit_events WHERE event_group = 'audit' ORDER BY created_at, id;
-- one that was rolled back was not
BEGIN;
SET LOCAL audit_ext.allow_changes = on;
TRUNCATE audit_events;
ROLLBACK;
SELECT count(*) FROM audit_events;
-- as triggers of other tables, or called by hand, the guards refuse to work
CREATE TABLE others (x int);
CREATE TRIGGER guard BEFORE UPDATE ON others FOR EACH ROW EXECUTE FUNCTION audit_guard();
INSERT INTO others VALUES (1);
UPDATE others SET x = 2;
SELECT audit_guard();
SELECT audit_guard_command();
DROP TABLE others;
SET audit_ext.allow_changes = on;
DROP EXTENSION audit_ext;
CREATE EXTENSION audit_ext;
REVOKE ALL ON SCHEMA public FROM regress_owner;
DROP ROLE regress_owner;
