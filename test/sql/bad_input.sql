-- Wrong arguments: an error that says what is wrong, what was seen and what to do, with the right SQLSTATE.
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT count(*) FROM audit_list(page_size => 0);
\echo :SQLSTATE
SELECT count(*) FROM audit_list(page_size => 201);
SELECT count(*) FROM audit_list(page_size => -2147483648);
SELECT audit_list_json(page_size => 0);
\echo :SQLSTATE
SELECT count(*) FROM audit_list(cursor => '');
\echo :SQLSTATE
SELECT count(*) FROM audit_list(cursor => 'not a cursor');
SELECT audit_list_json(cursor => repeat('A', 1000000));
SELECT audit_list_json(cursor => repeat('A', 50));
SELECT audit_list_json(cursor => 'ÄÖÜ');
SELECT audit_list(1, 2);
-- a cursor with other filters
BEGIN;
INSERT INTO audit_events (event_group, event_type) VALUES ('a', 't'), ('a', 't');
SELECT min(next_cursor) AS position FROM audit_list(event_group => 'a', page_size => 1) \gset
SELECT count(*) FROM audit_list(event_group => 'a', cursor => :'position');
SAVEPOINT before;
SELECT count(*) FROM audit_list(event_group => 'b', cursor => :'position');
\echo :SQLSTATE
ROLLBACK TO before;
SELECT count(*) FROM audit_list(cursor => :'position');
ROLLBACK TO before;
SELECT count(*) FROM audit_list(event_group => 'a', since => '2020-01-01', cursor => :'position');
ROLLBACK TO before;
SELECT count(*) FROM audit_list(event_group => 'a', cursor => left(:'position', -1));
ROLLBACK TO before;
SELECT count(*) FROM audit_list(event_group => 'a', cursor => :'position' || '=');
ROLLBACK;
-- programs tell the errors apart by the constraint's name
CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE name text;
BEGIN
  EXECUTE statement;
  RETURN 'none';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
  RETURN SQLSTATE || ' ' || name;
END
$$;
SELECT pg_temp.error_of('SELECT audit_list_json(page_size => 999)'), pg_temp.error_of('SELECT audit_list_json(cursor => $$x$$)');
-- rows that must not get in
\set no_id '''00000000-0000-0000-0000-000000000000'''
INSERT INTO audit_events (id, created_at, event_type) VALUES (:no_id, '2025-01-01Z', 't');
INSERT INTO audit_events (id, created_at, event_group, event_type) VALUES (:no_id, 'infinity', 'a', 't');
INSERT INTO audit_events (id, created_at, event_group, event_type) VALUES (:no_id, '-infinity', 'a', 't');
INSERT INTO audit_events (id, created_at, event_group, event_type) VALUES (:no_id, '1969-12-31 23:59:59Z', 'a', 't');
INSERT INTO audit_events (id, created_at, event_group, event_type) VALUES (:no_id, '10000-01-01Z', 'a', 't');
INSERT INTO audit_events (id, created_at, event_group, event_type) VALUES (:no_id, NULL, 'a', 't');
-- the same where the id is left to the extension
\set VERBOSITY terse
INSERT INTO audit_events (event_group, event_type, created_at) VALUES ('a', 't', 'infinity');
INSERT INTO audit_events (event_group, event_type, created_at) VALUES ('a', 't', '-infinity');
INSERT INTO audit_events (event_group, event_type, created_at) VALUES ('a', 't', NULL);
COPY audit_events (event_group, event_type, created_at) FROM STDIN;
a	t	\N
\.
\set VERBOSITY default
INSERT INTO audit_events (event_group, event_type, vm_id) VALUES ('a', 't', repeat('x', 2049));
\echo :SQLSTATE
INSERT INTO audit_events_default (event_group, event_type) VALUES (repeat('ä', 1025), 't');
-- the longest that may, incompressible too
BEGIN;
INSERT INTO audit_events (event_group, event_type, status, vm_id, session_id)
SELECT x, x, x, x, x FROM (SELECT string_agg(md5(i::text), '') AS x FROM generate_series(1, 64) i) s;
SELECT count(*) FROM audit_list(vm_id => (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 64) i));
ROLLBACK;
-- the trigger function by itself
CREATE TEMP TABLE other (x int);
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION audit_events_before_insert();
INSERT INTO other VALUES (1);
CREATE TRIGGER t2 AFTER DELETE ON other FOR EACH STATEMENT EXECUTE FUNCTION audit_events_before_insert();
DELETE FROM other;
-- partitions
SELECT audit_create_partition('2025-01-02', '2025-01-01');
SELECT audit_create_partition(NULL, '2025-01-01');
SELECT audit_create_partition('2025-01-01', 'infinity');
