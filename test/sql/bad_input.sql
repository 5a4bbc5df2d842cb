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
-- programs distinguish the errors by the constraint's name
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
-- small to write and large to read
\set VERBOSITY terse
INSERT INTO audit_events (event_group, event_type, event_payload) VALUES ('a', 't', '{"a": [1e1000]}');
\echo :SQLSTATE
INSERT INTO audit_events (event_group, event_type, event_payload) VALUES ('a', 't', '[1e-1000]');
\echo :SQLSTATE
INSERT INTO audit_events (event_group, event_type, event_payload) VALUES ('a', 't', (repeat('[', 65) || repeat(']', 65))::jsonb);
\echo :SQLSTATE
INSERT INTO audit_events (event_group, event_type, error_message) VALUES ('a', 't', repeat(E'\u0001', 175000));
\echo :SQLSTATE
COPY audit_events (event_group, event_type, event_payload) FROM STDIN;
a	t	[1e131071]
\.
\set VERBOSITY default
SELECT audit_log_batch('[{"event_group": "a", "event_type": "t"}, {"event_group": "a", "event_type": "t", "event_payload": 1e1000}]');
SELECT audit_log_batch('[{"event_group": "a", "event_type": "t", "task_id": 1e131071}]');
SELECT status, answer FROM audit_log_json(jsonb_build_array(jsonb_build_object('event_group', 'a', 'event_type', 't',
  'event_payload', (repeat('[', 65) || repeat(']', 65))::jsonb), jsonb_build_object('event_group', 'a', 'event_type', 't',
  'user_agent', repeat(E'\u0001', 175000)))::text, false, NULL, NULL, NULL);
-- as much as may, and read as it was
BEGIN;
INSERT INTO audit_events (event_group, event_type, event_payload) VALUES
  ('a', 'bounds', '[1e999, -1e999, 1e-999]'), ('a', 'bounds', (repeat('[', 64) || repeat(']', 64))::jsonb);
SELECT count(*) FILTER (WHERE (audit_get_json(id) -> 'event_payload')::text = event_payload::text) FROM audit_events WHERE event_type = 'bounds';
-- what is there already in a shorter form
SET LOCAL audit_ext.max_event_size = 0;
INSERT INTO audit_events (event_group, event_type, event_payload) VALUES ('a', 'old', '[1e1000, -12.5e-16380, 0e-16383, 12345e131060]');
SELECT audit_get_json(id) -> 'event_payload', (audit_get_json(id) -> 'event_payload')::jsonb = event_payload FROM audit_events WHERE event_type = 'old';
ROLLBACK;
-- a page ends before it gets too large, but never without an event
BEGIN;
SET LOCAL audit_ext.max_page_size = '3kB';
SET LOCAL audit_ext.max_event_size = '5kB';
INSERT INTO audit_events (event_group, event_type, error_message, task_id)
SELECT 'a', 'pages', repeat('x', CASE WHEN i = 3 THEN 4000 ELSE 800 END), i FROM generate_series(1, 6) i;
WITH RECURSIVE pages AS (
  SELECT 1 AS page, audit_list_json(event_type => 'pages') AS answer
  UNION ALL SELECT page + 1, audit_list_json(event_type => 'pages', cursor => answer ->> 'next_cursor') FROM pages
  WHERE answer ->> 'next_cursor' IS NOT NULL)
SELECT page, (SELECT array_agg(e ->> 'task_id') FROM json_array_elements(answer -> 'items') e) AS events FROM pages;
SELECT task_id, next_cursor IS NOT NULL AS has_next FROM audit_list(event_type => 'pages');
SET LOCAL audit_ext.engine = sql;
SELECT task_id, next_cursor IS NOT NULL AS has_next FROM audit_list(event_type => 'pages');
SELECT value FROM audit_explain(event_type => 'pages') WHERE name IN ('events', 'has_more');
ROLLBACK;
-- Versions of PostgreSQL print the bounds differently.
\set VERBOSITY sqlstate
SET audit_ext.max_event_size = -1;
SET audit_ext.max_page_size = 0;
\set VERBOSITY default
SELECT audit_make_id('infinity');
