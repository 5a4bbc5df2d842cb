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
ROLLBACK;
-- every set of given arguments makes a statement of its own; all of them agree with plain SQL
BEGIN;
INSERT INTO audit_events (event_group, event_type, status, user_id, vm_id, session_id, created_at)
SELECT CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, CASE WHEN i % 3 = 0 THEN 'a' ELSE 'b' END, CASE WHEN i % 5 = 0 THEN 'a' ELSE 'b' END,
       i % 2, CASE WHEN i % 3 > 0 THEN 'a' END, CASE WHEN i % 4 > 0 THEN 'a' END, timestamptz '2025-03-01Z' + i / 2 * interval '1 minute'
FROM generate_series(1, 100) i;
SELECT count(*) AS sets, sum(found) AS events, sum(wrong) AS wrong
FROM generate_series(0, 255) AS given,
LATERAL (SELECT CASE WHEN given & 1 > 0 THEN 'a' END AS g, CASE WHEN given & 2 > 0 THEN 'b' END AS t, CASE WHEN given & 4 > 0 THEN 'b' END AS s,
                CASE WHEN given & 8 > 0 THEN 0::bigint END AS u, CASE WHEN given & 16 > 0 THEN 'a' END AS v, CASE WHEN given & 32 > 0 THEN 'a' END AS n,
                CASE WHEN given & 64 > 0 THEN timestamptz '2025-03-01 00:10Z' END AS f, CASE WHEN given & 128 > 0 THEN timestamptz '2025-03-01 00:40Z' END AS l) x,
LATERAL (SELECT count(*) AS found, count(*) FILTER (WHERE a.id IS DISTINCT FROM e.id) AS wrong
         FROM (SELECT l.id, row_number() OVER () AS n FROM audit_list(g, t, s, u, v, n, NULL, 200, f, l) l) a
         FULL JOIN (SELECT e.id, row_number() OVER (ORDER BY e.created_at DESC, e.id DESC) AS n FROM audit_events e
                    WHERE (g IS NULL OR e.event_group = g) AND (t IS NULL OR e.event_type = t) AND (s IS NULL OR e.status = s)
                      AND (u IS NULL OR e.user_id = u) AND (v IS NULL OR e.vm_id = v) AND (x.n IS NULL OR e.session_id = x.n)
                      AND (f IS NULL OR e.created_at >= f) AND (l IS NULL OR e.created_at < l)) e USING (n)) r;
ROLLBACK;
