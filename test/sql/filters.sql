-- Filters beyond those of the contract: with a list of the filter index or without one, by both engines.
SET timezone = 'UTC';
\pset null NULL
BEGIN;
INSERT INTO audit_events (id, created_at, user_id, actor_type, actor_id, source, event_group, event_type, resource_type, resource_id, request_id, correlation_id, task_id, ip_address)
VALUES
  ('00000000-0000-0000-0000-000000000001', '2025-01-01 10:00:00Z', 1, 'user', 'usr_1', 'api', 'g', 't', 'vm', 'vm-1', 'req 1', '', -1, '10.0.0.1'),
  ('00000000-0000-0000-0000-000000000002', '2025-01-01 10:00:01Z', 2, 'user', 'usr_2', 'ui', 'g', 't', 'vm', 'vm-2', 'req 2', 'c', 9223372036854775807, '10.1.0.0/16'),
  ('00000000-0000-0000-0000-000000000003', '2025-01-01 10:00:01Z', 2, 'service', 'usr_2', 'api', 'g', 't', '', NULL, 'req 2', 'c', 0, '2001:db8::1'),
  ('00000000-0000-0000-0000-000000000004', '2025-01-01 10:00:02Z', NULL, 'system', NULL, 'sql', 'g', 't', NULL, 'vm-1', NULL, NULL, NULL, '::ffff:10.0.0.1'),
  ('00000000-0000-0000-0000-000000000005', '2025-01-02 00:00:00Z', 2, 'user', NULL, 'ui', 'g', 't', 'vm', 'vm-2', NULL, 'C', NULL, NULL);
-- What both engines find, the last digit of each id; and which filters had no list.
CREATE FUNCTION found(arguments text, OUT by_posting text, OUT is_same boolean, OUT without_list text) LANGUAGE plpgsql AS $$
DECLARE by_sql text;
BEGIN
  SET LOCAL audit_ext.engine = posting;
  EXECUTE format('SELECT string_agg(right(id::text, 1), '' '') FROM audit_list(%s)', arguments) INTO by_posting;
  EXECUTE format('SELECT value FROM audit_explain(%s) WHERE name = ''filters_without_list''', arguments) INTO without_list;
  SET LOCAL audit_ext.engine = sql;
  EXECUTE format('SELECT string_agg(right(id::text, 1), '' '') FROM audit_list(%s)', arguments) INTO by_sql;
  is_same := by_posting IS NOT DISTINCT FROM by_sql;
END $$;
CREATE FUNCTION all_found() RETURNS TABLE (arguments text, by_posting text, is_same boolean, without_list text) LANGUAGE sql AS $$
  SELECT a.arguments, f.* FROM unnest(ARRAY[
    $a$actor_type => 'user'$a$, $a$actor_id => 'usr_2'$a$, $a$source => 'api'$a$, $a$resource_type => ''$a$, $a$resource_id => 'vm-1'$a$,
    $a$request_id => 'req 2'$a$, $a$correlation_id => 'c'$a$, $a$correlation_id => ''$a$, $a$task_id => 0$a$, $a$task_id => 9223372036854775807$a$,
    $a$task_id => -1, request_id => 'req 1'$a$, $a$source => 'ui', resource_type => 'vm'$a$, $a$source => 'ui', resource_id => 'vm-2', user_id => 2$a$,
    $a$actor_id => 'none'$a$, $a$actor_id => NULL, task_id => NULL$a$, $a$ip_address => '10.0.0.1'$a$, $a$ip_address => '10.1.0.1'$a$,
    $a$ip_address => '10.1.0.0'$a$, $a$ip_address => '10.1.0.0/16'$a$, $a$ip_address => '10.0.0.0/8'$a$, $a$ip_address => '0.0.0.0/0'$a$,
    $a$ip_address => '::ffff:10.0.0.1'$a$, $a$ip_address => '::ffff:0:0/96'$a$, $a$ip_address => '2001:db8::/32', user_id => 2$a$,
    $a$ip_address => '::/0', actor_type => 'system'$a$, $a$ip_address => '192.0.2.0/24'$a$, $a$ip_address => '10.0.0.1/32'$a$,
    format('actor_id => %L', repeat('x', 5000)), format('request_id => %L', repeat('x', 5000))]) a(arguments), found(a.arguments) f
$$;
SELECT left(arguments, 80) AS arguments, by_posting, is_same, without_list FROM all_found();
-- no address, no network
SAVEPOINT s;
SELECT audit_list_json(ip_address => '10.0.0.1/8');
ROLLBACK TO s;
SELECT audit_list_json(ip_address => 'localhost');
ROLLBACK TO s;
SELECT audit_list_json(ip_address => 'fe80::1%eth0');
ROLLBACK TO s;
SELECT audit_list_json(ip_address => '10.0.0.0/33');
ROLLBACK TO s;
-- a cursor belongs to them, too
SELECT audit_list_json(source => 'api', cursor => audit_list_json(source => 'ui', page_size => 1) ->> 'next_cursor');
ROLLBACK TO s;
SELECT audit_list_json(ip_address => '10.0.0.0/9', cursor => audit_list_json(ip_address => '10.0.0.0/8', page_size => 1) ->> 'next_cursor');
ROLLBACK TO s;
-- an index with other classes is not read
SET LOCAL audit_ext.allow_changes = on;
CREATE INDEX other_classes ON audit_events_default USING gin (event_group, event_type, status, user_id, vm_id, session_id, ip_address, source, actor_id, actor_type,
  resource_type, request_id, correlation_id, resource_id, task_id);
SELECT f.by_posting, f.is_same, f.without_list FROM found('source => ''api'', task_id => 0') f;
DROP INDEX other_classes;
-- lists of all columns, as an index by hand has them, in any order; the one with the most columns is read
CREATE INDEX by_hand ON audit_events_default USING gin (task_id audit_bucket_bigint_ops, source audit_prefix_ops, event_group, event_type, status, user_id, vm_id,
  session_id, ip_address, request_id audit_bucket_ops, actor_id audit_prefix_ops, actor_type audit_prefix_ops, resource_type audit_prefix_ops,
  resource_id audit_bucket_ops, correlation_id audit_bucket_ops);
SELECT count(*), count(*) FILTER (WHERE is_same), string_agg(DISTINCT without_list, ';') FROM all_found();
-- events in the pending list
INSERT INTO audit_events (id, created_at, actor_type, source, event_group, event_type, resource_type, resource_id, request_id, correlation_id, task_id, ip_address)
VALUES ('00000000-0000-0000-0000-000000000006', '2025-01-01 11:00:00Z', 'user', 'api', 'g', 't', 'vm', 'vm-1', 'req 2', 'c', 0, '10.0.0.1'),
       ('00000000-0000-0000-0000-000000000007', '2025-01-01 12:00:00Z', 'user', 'api', 'g', 't', 'vm', 'vm-1', 'req 2', 'c', 0, '10.0.0.0/8');
SELECT count(*), count(*) FILTER (WHERE is_same), count(*) FILTER (WHERE by_posting ~ '6'), count(*) FILTER (WHERE by_posting ~ '7') FROM all_found();
SELECT gin_clean_pending_list('by_hand') > 0;
SELECT count(*), count(*) FILTER (WHERE is_same), count(*) FILTER (WHERE by_posting ~ '6'), count(*) FILTER (WHERE by_posting ~ '7') FROM all_found();
-- long texts: the same beginning, compressible or not; any length is recorded
CREATE TEMPORARY TABLE long_texts AS SELECT n, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i) || repeat('ü', n) AS value FROM generate_series(0, 2) n;
INSERT INTO audit_events (id, created_at, event_group, event_type, actor_id, source, resource_type, resource_id, request_id, correlation_id)
SELECT ('00000000-0000-0000-0000-00000000000' || 7 + n)::uuid, '2025-01-03Z', 'g', 't', value, repeat('ü', 1020 + 2000 * n), value, value, value, value FROM long_texts WHERE n > 0;
SELECT n, f.by_posting, f.is_same, f.without_list FROM long_texts, found(format('actor_id => %1$L, resource_type => %1$L, request_id => %1$L', value)) f ORDER BY n;
SELECT n, f.by_posting, f.is_same, f.without_list FROM long_texts, found(format('source => %L', repeat('ü', 1020 + 2000 * n))) f ORDER BY n;
SELECT gin_clean_pending_list('by_hand') > 0;
SELECT n, f.by_posting, f.is_same, f.without_list FROM long_texts, found(format('actor_id => %1$L, resource_type => %1$L, request_id => %1$L', value)) f ORDER BY n;
SELECT n, f.by_posting, f.is_same, f.without_list FROM long_texts, found(format('source => %L', repeat('ü', 1020 + 2000 * n))) f ORDER BY n;
-- SQL finds them by the index as well
SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off;
EXPLAIN (COSTS off) SELECT id FROM audit_events_default WHERE request_id = 'req 2' AND task_id = bigint '0' AND actor_type = 'user';
SELECT count(*) FROM audit_events_default WHERE request_id = 'req 2' AND task_id = bigint '0' AND actor_type = 'user';
SELECT count(*) FROM audit_events_default WHERE actor_id = (SELECT value FROM long_texts WHERE n = 1);
RESET enable_seqscan; RESET enable_indexscan;
-- as configured, for partitions that are made from then on
SAVEPOINT t;
SELECT audit_configure(index_ids => NULL);
ROLLBACK TO t;
SELECT index_ids FROM audit_effective_configuration();
SELECT audit_configure(index_ids => true);
SELECT index_ids FROM audit_effective_configuration();
SELECT audit_create_partition('2025-05-01Z', '2025-06-01Z');
SELECT pg_get_indexdef('audit_events_20250501_filters'::regclass);
INSERT INTO audit_events (id, created_at, event_group, event_type, resource_id, request_id, correlation_id, task_id)
VALUES ('00000000-0000-0000-0000-000000000007', '2025-05-01 10:00:00Z', 'g', 't', 'vm-1', 'req 2', 'c', 0);
SELECT f.* FROM found($a$resource_id => 'vm-1', request_id => 'req 2', correlation_id => 'c', task_id => 0, since => '2025-05-01Z'$a$) f;
SELECT f.* FROM found($a$resource_id => 'vm-1', request_id => 'req 2', correlation_id => 'c', task_id => 1, since => '2025-05-01Z'$a$) f;
-- one with a column twice is not read; one that has only the columns of the contract is
DROP INDEX by_hand, audit_events_default_filters;
SET LOCAL audit_ext.engine = posting;
SELECT value FROM audit_explain() WHERE name = 'reason';
CREATE INDEX ON audit_events_default USING gin (event_group, event_type, status, user_id, vm_id, session_id, source, source);
SELECT value FROM audit_explain() WHERE name = 'reason';
CREATE INDEX ON audit_events_default USING gin (event_group, event_type, status, user_id, vm_id, session_id);
SELECT count(*), count(*) FILTER (WHERE is_same), string_agg(DISTINCT without_list, ';') FROM all_found();
ROLLBACK;
