-- The functions: signatures that others rely on, and that both forms of a page say the same.
BEGIN;
CREATE SCHEMA tap;
CREATE EXTENSION pgtap SCHEMA tap;
SET search_path = public, tap;
SET client_min_messages = warning;
CREATE EXTENSION audit_ext SCHEMA public CASCADE;
SELECT no_plan();

SELECT is(pg_get_function_arguments('audit_list'::regproc), 'event_group text DEFAULT NULL::text, event_type text DEFAULT NULL::text, '
  'status text DEFAULT NULL::text, user_id bigint DEFAULT NULL::bigint, vm_id text DEFAULT NULL::text, session_id text DEFAULT NULL::text, '
  'cursor text DEFAULT NULL::text, page_size integer DEFAULT 50, since timestamp with time zone DEFAULT NULL::timestamp with time zone, '
  'until timestamp with time zone DEFAULT NULL::timestamp with time zone, actor_type text DEFAULT NULL::text, actor_id text DEFAULT NULL::text, '
  'source text DEFAULT NULL::text, resource_type text DEFAULT NULL::text, ip_address inet DEFAULT NULL::inet, resource_id text DEFAULT NULL::text, '
  'request_id text DEFAULT NULL::text, correlation_id text DEFAULT NULL::text, task_id bigint DEFAULT NULL::bigint, ' ||
  'filter text DEFAULT NULL::text', 'the arguments of audit_list');
SELECT is(pg_get_function_arguments('audit_list_json'::regproc), pg_get_function_arguments('audit_list'::regproc), 'those of audit_list_json are the same');
SELECT is(pg_get_function_result('audit_list_json'::regproc), 'json');
SELECT is((SELECT proargnames[array_length(proargnames, 1)] FROM pg_proc WHERE oid = 'audit_list'::regproc), 'next_cursor', 'next_cursor is the last column');
SELECT is((SELECT proargnames[21:46] FROM pg_proc WHERE oid = 'audit_list'::regproc),
          (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'audit_events'::regclass AND attnum > 0),
          'before it the columns of the table, in its order');
SELECT is((SELECT proallargtypes[21:46] FROM pg_proc WHERE oid = 'audit_list'::regproc),
          (SELECT array_agg(atttypid ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'audit_events'::regclass AND attnum > 0), 'and their types');
SELECT volatility_is('public', f::name, 'stable') FROM unnest(ARRAY['audit_list', 'audit_list_json', 'audit_get', 'audit_get_json']) f;

INSERT INTO audit_events (event_group, event_type, user_id, created_at, event_payload, latency_ms, ip_address)
SELECT 'g' || i % 3, 't' || i % 2, i % 5, '2025-01-01Z'::timestamptz + i / 3 * interval '1.5 s', jsonb_build_object('i', i), i / 7.0, '10.0.0.0'::inet + i
FROM generate_series(1, 500) i;
SELECT results_eq($$SELECT * FROM audit_list(page_size => 200)$$,
  $$SELECT e.*, (audit_list_json(page_size => 200) ->> 'next_cursor') FROM audit_events e ORDER BY created_at DESC, id DESC LIMIT 200$$,
  'a page is what SELECT ... ORDER BY ... LIMIT gives');
SELECT results_eq($$SELECT r.id, r.created_at, r.user_id, r.event_group, r.latency_ms, r.ip_address, r.event_payload
                    FROM json_populate_recordset(NULL::audit_events, audit_list_json(event_group => 'g1', user_id => 3, page_size => 10) -> 'items') r$$,
  $$SELECT id, created_at, user_id, event_group, latency_ms, ip_address, event_payload FROM audit_list(event_group => 'g1', user_id => 3, page_size => 10)$$,
  'the JSON says what the rows say');
SELECT results_eq($$SELECT g.* FROM audit_list(page_size => 5) l, audit_get(l.id) g$$,
  $$SELECT e.* FROM audit_events e ORDER BY created_at DESC, id DESC LIMIT 5$$, 'audit_get finds each');
SELECT throws_ok('SELECT audit_list(page_size => 0)', '22023', 'page_size is out of range');
SELECT throws_ok('SELECT audit_list(page_size => 201)', '22023', 'page_size is out of range');
SELECT throws_ok($$SELECT audit_list(cursor => '')$$, '22023', 'cursor is not valid');
SELECT throws_ok($$SELECT audit_list(event_group => 'g0', cursor => (audit_list_json() ->> 'next_cursor'))$$, '22023', 'cursor belongs to other filters');
SELECT isnt(audit_log('g', 't'), NULL, 'audit_log returns the id');
SELECT isnt(audit_log('g', 't'), audit_log('g', 't'), 'a new one each time');
SELECT ok(audit_make_id() < audit_make_id(clock_timestamp() + interval '1 ms'), 'ids sort by time');
SELECT * FROM finish();
ROLLBACK;
