-- What another project's suite would do: insert fixed rows, list them, filter them.
SET timezone = 'UTC';
BEGIN;
INSERT INTO audit_events (id, created_at, user_id, actor_type, source, event_group, event_type, status, vm_id, session_id)
VALUES
  ('00000000-0000-0000-0000-000000000001', '2025-01-01 10:00:00Z', 1, 'user', 'api', 'auth', 'auth.login', 'success', NULL, 's1'),
  ('00000000-0000-0000-0000-000000000002', '2025-01-01 10:00:01Z', 1, 'user', 'api', 'vm', 'vm.start', 'success', 'vm-1', 's1'),
  ('00000000-0000-0000-0000-000000000003', '2025-01-01 10:00:01Z', 2, 'user', 'ui', 'vm', 'vm.stop', 'failure', 'vm-2', 's2'),
  ('00000000-0000-0000-0000-000000000004', '2025-01-01 10:00:02.5Z', NULL, 'system', 'worker', 'vm', 'vm.start', 'failure', 'vm-1', NULL),
  ('00000000-0000-0000-0000-000000000005', '2025-01-02 00:00:00Z', 2, 'user', 'ui', 'billing', 'billing.refund', '', 'vm-2', '');
\pset null NULL
-- newest first, ties by id
SELECT right(id::text, 1) AS id, created_at, event_type, next_cursor FROM audit_list();
-- each filter, by name; NULL is no filter, the empty string is one
SELECT right(id::text, 1) AS id FROM audit_list(event_group => 'vm');
SELECT right(id::text, 1) AS id FROM audit_list(event_type => 'vm.start');
SELECT right(id::text, 1) AS id FROM audit_list(status => 'failure');
SELECT right(id::text, 1) AS id FROM audit_list(status => '');
SELECT right(id::text, 1) AS id FROM audit_list(user_id => 2);
SELECT right(id::text, 1) AS id FROM audit_list(vm_id => 'vm-1');
SELECT right(id::text, 1) AS id FROM audit_list(session_id => 's1');
SELECT right(id::text, 1) AS id FROM audit_list(session_id => '');
SELECT right(id::text, 1) AS id FROM audit_list(event_group => NULL, status => NULL, page_size => NULL);
-- all six at once, by position
SELECT right(id::text, 1) AS id FROM audit_list('vm', 'vm.stop', 'failure', 2, 'vm-2', 's2');
SELECT right(id::text, 1) AS id FROM audit_list('vm', 'vm.stop', 'failure', 1, 'vm-2', 's2');
-- since is inclusive, until exclusive
SELECT right(id::text, 1) AS id FROM audit_list(since => '2025-01-01 10:00:01Z', until => '2025-01-02 00:00:00Z');
SELECT right(id::text, 1) AS id FROM audit_list(since => 'infinity');
SELECT right(id::text, 1) AS id FROM audit_list(since => '-infinity', until => 'infinity', status => 'success');
SELECT right(id::text, 1) AS id FROM audit_list(since => '2025-01-02', until => '2025-01-01');
-- nothing found: no row, so no cursor
SELECT * FROM audit_list(event_group => 'nothing');
-- all columns of one event
\x
SELECT * FROM audit_list(vm_id => 'vm-1', page_size => 1, status => 'success');
\x
-- in a query among others
SELECT e.event_type, count(*) FROM (VALUES ('vm'), ('auth')) g(name), LATERAL audit_list(event_group => g.name) e GROUP BY 1 ORDER BY 1;
SELECT right(id::text, 1) AS id FROM audit_list() WHERE user_id = 2 LIMIT 1;
-- A declaration of an older version, on a newer library: what it has not is not given.
CREATE FUNCTION regress_older(event_group text, event_type text) RETURNS json LANGUAGE c STABLE AS '$libdir/audit_ext', 'audit_list_json';
SELECT regress_older(NULL, NULL)::text = audit_list_json()::text AS all, regress_older('auth', 'login')::text = audit_list_json('auth', 'login')::text AS filtered;
ROLLBACK;
-- every set of given arguments makes a statement of its own; all of them agree with plain SQL
BEGIN;
INSERT INTO audit_events (event_group, event_type, status, user_id, vm_id, session_id, request_id, ip_address, created_at)
SELECT CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, CASE WHEN i % 3 = 0 THEN 'a' ELSE 'b' END, CASE WHEN i % 5 = 0 THEN 'a' ELSE 'b' END,
       i % 2, CASE WHEN i % 3 > 0 THEN 'a' END, CASE WHEN i % 4 > 0 THEN 'a' END, CASE WHEN i % 7 > 0 THEN 'a' END, '10.0.0.0'::inet + i % 8, timestamptz '2025-03-01Z' + i / 2 * interval '1 minute'
FROM generate_series(1, 100) i;
CREATE FUNCTION pages_of_all_sets(OUT sets int, OUT events int, OUT wrong int) LANGUAGE plpgsql AS $$
DECLARE
  arguments CONSTANT text[] := ARRAY['event_group => ''a''', 'event_type => ''b''', 'status => ''b''', 'user_id => 0', 'vm_id => ''a''',
    'session_id => ''a''', 'request_id => ''a''', 'ip_address => ''10.0.0.0/30''', 'since => ''2025-03-01 00:10Z''', 'until => ''2025-03-01 00:40Z'''];
  conditions CONSTANT text[] := ARRAY['event_group = ''a''', 'event_type = ''b''', 'status = ''b''', 'user_id = 0', 'vm_id = ''a''',
    'session_id = ''a''', 'request_id = ''a''', 'ip_address <<= ''10.0.0.0/30''', 'created_at >= ''2025-03-01 00:10Z''', 'created_at < ''2025-03-01 00:40Z'''];
  statement text;
  found int;
  different int;
BEGIN
  sets := 0; events := 0; wrong := 0;
  FOR given IN 0 .. 2 ^ cardinality(arguments) - 1 LOOP
    SELECT format('WITH page AS (SELECT id, row_number() OVER () AS place FROM audit_list(%s)), '
                  'plain AS (SELECT id, row_number() OVER (ORDER BY created_at DESC, id DESC) AS place FROM audit_events WHERE %s) '
                  'SELECT count(*), count(*) FILTER (WHERE page.id IS DISTINCT FROM plain.id) FROM page FULL JOIN plain USING (place)',
                  concat_ws(', ', string_agg(arguments[i], ', '), 'page_size => 200'), coalesce(string_agg(conditions[i], ' AND '), 'true'))
    INTO statement FROM generate_subscripts(arguments, 1) i WHERE given & (1 << (i - 1)) > 0;
    EXECUTE statement INTO found, different;
    sets := sets + 1; events := events + found; wrong := wrong + different;
  END LOOP;
END $$;
SELECT * FROM pages_of_all_sets();
ROLLBACK;
