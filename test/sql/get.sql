-- One event by its id, of every kind of id.
SET timezone = 'UTC';
BEGIN;
SELECT audit_create_partition('2025-01-01Z', '2025-02-01Z');
INSERT INTO audit_events (id, created_at, event_group, event_type, user_id) VALUES
  ('00000000-0000-0000-0000-00000000000a', '2025-01-01 00:00:00.5Z', 'foreign', 't', 1),
  ('01941f29-7c00-7000-8000-000000000001', '2025-01-01 00:00:00Z', 'made here', 't', 2),
  ('01941f29-7c00-7000-8000-000000000002', '2025-01-15 00:00:00Z', 'version 7, other time', 't', NULL),
  ('01941f29-7c00-7000-8000-000000000003', '2025-06-01 00:00:00Z', 'in the default partition', 't', NULL),
  ('00000000-0000-0000-0000-00000000000a', '2025-01-03 00:00:00Z', 'the same id, newer', 't', NULL);
SELECT id, created_at, event_group FROM audit_get('00000000-0000-0000-0000-00000000000a');
SELECT event_group FROM audit_get('01941f29-7c00-7000-8000-000000000001');
SELECT event_group FROM audit_get('01941f29-7c00-7000-8000-000000000002');
SELECT event_group FROM audit_get('01941f29-7c00-7000-8000-000000000003');
-- only the user's own
SELECT event_group FROM audit_get('01941f29-7c00-7000-8000-000000000001', 2);
SELECT event_group FROM audit_get('01941f29-7c00-7000-8000-000000000001', user_id => 1);
SELECT audit_get_json('01941f29-7c00-7000-8000-000000000001', 2) ->> 'event_group';
\pset null NULL
SELECT audit_get_json('01941f29-7c00-7000-8000-000000000001', 1);
-- none
SELECT count(*) FROM audit_get('ffffffff-ffff-7fff-bfff-ffffffffffff');
SELECT count(*) FROM audit_get(NULL);
SELECT audit_get_json('00000000-0000-0000-0000-000000000000');
SELECT audit_get('x');
ROLLBACK;
BEGIN;
SELECT pg_relation_size('audit_events_default_foreign_id') AS size_before \gset
INSERT INTO audit_events (event_group, event_type, created_at)
SELECT 'g', 't', timestamptz '2025-01-01Z' + i * interval '1.000001 s' FROM generate_series(1, 1000) i;
-- ids that the extension made match their time and are in no index of their own
SELECT count(*) AS events, count(DISTINCT id) AS ids, bool_and(audit_id_matches(id, created_at)) AS all_match,
       bool_and((SELECT g.created_at FROM audit_get(e.id) g) = e.created_at) AS all_found FROM audit_events e;
SELECT pg_relation_size('audit_events_default_foreign_id') - :size_before AS foreign_id_bytes;
SELECT array_agg(id ORDER BY id) = array_agg(id ORDER BY created_at) AS ids_sort_by_time FROM audit_events;
SELECT audit_id_matches(audit_make_id('2025-01-01Z'), '2025-01-01 00:00:00.000999Z') AS same_ms,
       audit_id_matches(audit_make_id('2025-01-01Z'), '2025-01-01 00:00:00.001Z') AS next_ms,
       audit_id_matches(gen_random_uuid(), now()) AS version_4, audit_id_matches(NULL, now()) AS nothing;
ROLLBACK;
