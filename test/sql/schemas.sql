-- In any schema, with any search_path, whatever else has the same names.
SET client_min_messages = warning;
SET audit_ext.allow_changes = on;  -- for DROP EXTENSION
DROP EXTENSION audit_ext;
CREATE SCHEMA "Odd schema";
CREATE SCHEMA trap;
CREATE EXTENSION audit_ext SCHEMA "Odd schema";
-- things that a careless function would take for its own
CREATE TABLE trap.audit_events (x int);
CREATE FUNCTION trap.text_is_never_equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.text_is_never_equal);
CREATE FUNCTION trap.crypt(text, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
SET search_path = trap, pg_catalog;
-- the same data in two schemas, under two search_paths, give the same pages to the byte, cursors included
INSERT INTO "Odd schema".audit_events (id, created_at, event_group, event_type, vm_id, event_payload)
SELECT pg_catalog.md5(i::text)::uuid, timestamptz '2025-01-01Z' + i / 3 * interval '1 s', 'same', 'same.' || i % 4, 'vm-' || i % 2, '{"n": 1}' FROM pg_catalog.generate_series(1, 30) i;
SELECT "Odd schema".audit_list_json(event_group => 'same', vm_id => 'vm-1', page_size => 5) AS page_in_odd \gset
SELECT "Odd schema".audit_log('g', 't', vm_id => 'v') IS NOT NULL AS logged;
INSERT INTO "Odd schema".audit_events (event_group, event_type) VALUES ('g', 't2');
SELECT count(*) FROM "Odd schema".audit_list(event_group => 'g');
SELECT json_array_length("Odd schema".audit_list_json(vm_id => 'v') -> 'items');
SELECT "Odd schema".audit_create_partition('2020-01-01Z', '2021-01-01Z');
SELECT "Odd schema".audit_create_user('u', 'password1');
SELECT principal FROM "Odd schema".audit_authenticate_password('u', 'password1');
SELECT principal FROM "Odd schema".audit_authenticate_password('u', 'password2');
SET search_path = '';
SELECT count(*) FROM "Odd schema".audit_list(event_type => 't2');
-- sessions that have used it follow a rename
ALTER SCHEMA "Odd schema" RENAME TO odd;
SELECT count(*) FROM odd.audit_list(event_type => 't2');
SELECT odd.audit_log('g', 't2') IS NOT NULL AS logged;
SELECT count(*) FROM odd.audit_list(event_type => 't2');
-- what is written in SQL does not; it must not stand in the way of others
CREATE TABLE trap.others (x int);
ALTER TABLE trap.others ADD y int;
-- and a new installation elsewhere
DROP EXTENSION audit_ext CASCADE;
CREATE EXTENSION audit_ext SCHEMA public;
SELECT count(*) FROM public.audit_list(event_type => 't2');
SET search_path = '';
INSERT INTO public.audit_events (id, created_at, event_group, event_type, vm_id, event_payload)
SELECT pg_catalog.md5(i::text)::uuid, timestamptz '2025-01-01Z' + i / 3 * interval '1 s', 'same', 'same.' || i % 4, 'vm-' || i % 2, '{"n": 1}' FROM pg_catalog.generate_series(1, 30) i;
SELECT :'page_in_odd' = public.audit_list_json(event_group => 'same', vm_id => 'vm-1', page_size => 5)::text AS same_page;
SELECT (:'page_in_odd'::json ->> 'next_cursor') IS NOT NULL AS with_cursor, pg_catalog.json_array_length(:'page_in_odd'::json -> 'items') AS events;
-- pgcrypto and btree_gin elsewhere, and moved
SELECT public.audit_create_user('u', 'password1');
CREATE SCHEMA elsewhere;
ALTER EXTENSION pgcrypto SET SCHEMA elsewhere;
SELECT principal FROM public.audit_authenticate_password('u', 'password1');
ALTER EXTENSION btree_gin SET SCHEMA elsewhere;
SELECT public.audit_create_partition('2020-01-01Z', '2021-01-01Z');
ALTER EXTENSION pgcrypto SET SCHEMA public;
ALTER EXTENSION btree_gin SET SCHEMA public;
RESET search_path;
DROP EXTENSION audit_ext;
DROP SCHEMA odd, trap, elsewhere CASCADE;
CREATE EXTENSION audit_ext;
