-- audit_list(filter => ...): what is refused and where; what each kind of term finds; cursors, bounds and rights.
SET timezone = 'UTC';
\set SHOW_CONTEXT never
BEGIN;
INSERT INTO audit_events (id, created_at, user_id, event_group, event_type, status, vm_id, latency_ms, ip_address, http_status, event_payload)
VALUES
  ('00000000-0000-0000-0000-000000000001', '2025-01-01 10:00:00Z', 1, 'auth', 'auth.login', 'success', NULL, 1.5, '10.0.0.1', 200, '{"region": "eu-1", "n": 1.50, "tags": ["a", "b"]}'),
  ('00000000-0000-0000-0000-000000000002', '2025-01-01 10:00:01Z', 1, 'vm', 'vm.start', 'failure', 'vm-1', 'NaN', '10.1.0.1', 500, '{"a.b": {"two words": true}, "list": [{"k": 1}, {"k": "x"}, [{"k": 2}]]}'),
  ('00000000-0000-0000-0000-000000000003', '2025-01-01 10:00:02Z', 2, 'vm', 'vm.stop', 'Failure', 'vm-2', 'Infinity', '2001:db8::1', NULL, '"scalar"'),
  ('00000000-0000-0000-0000-000000000004', '2025-01-01 10:00:03Z', NULL, 'billing', 'Größe', 'denied', '', 1000, NULL, 404, 'null'),
  ('00000000-0000-0000-0000-000000000005', '2025-01-01 10:00:04Z', 3, 'billing', 'z', 'denied', 'vm-1', NULL, '10.0.0.0/16', 404, '[1, 2, {"region": "us"}]');
\pset null NULL
-- The ids that are found; both engines have to agree.
CREATE FUNCTION regress_found(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  by_sql text;
  by_posting text;
BEGIN
  PERFORM set_config('audit_ext.engine', 'sql', true);
  by_sql := (SELECT string_agg(right(id::text, 1), '') FROM audit_list(filter => expression));
  PERFORM set_config('audit_ext.engine', 'posting', true);
  by_posting := (SELECT string_agg(right(id::text, 1), '') FROM audit_list(filter => expression));
  RETURN CASE WHEN by_sql IS NOT DISTINCT FROM by_posting THEN by_sql ELSE format('sql: %s, posting: %s', by_sql, by_posting) END;
END $$;
CREATE FUNCTION regress_refusal(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  name text;
  detail text;
  hint text;
BEGIN
  PERFORM audit_list_json(filter => expression);
  RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
  GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', name, detail, nullif(hint, ''));
END $$;
-- bad input
SAVEPOINT s;
SELECT * FROM audit_list(filter => 'user_id eq "1"');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT expression, regress_refusal(expression) FROM unnest(ARRAY[
  '', ' ', 'user_id', 'user eq 1', 'user_id = 1', 'user_id co 1', 'user_id eq 1.5', 'user_id eq 9223372036854775808', 'user_id eq null and', 'user_id gt null',
  'status eq failure', 'status eq "failure', 'status eq ''failure''', 'status eq "\x"', 'status eq "\u0000"', 'status eq 1', 'created_at gt "2025-01-01"',
  'created_at co "2025"', 'id eq "x"', 'ip_address eq "10.0.0.1/8"', 'ip_address gt "10.0.0.1"', 'latency_ms gt "1"', 'latency_ms gt 1e400',
  'event_payload. pr', 'event_payload.a[0] pr', 'event_payload.a.b.c.d.e.f.g.h.i pr', 'event_payload.a co 1', 'event_payload.a gt true', 'event_payload.n eq 1e1000',
  'vm_id.a pr', '(user_id pr', 'user_id pr)', 'not user_id pr', 'user_id pr or', 'user_id pr user_id pr', '1 eq 1', 'true', 'user_id pr; DROP TABLE audit_events',
  'user_id pr or 1=1 --', 'emails[type eq "work"]', repeat('(', 17) || 'user_id pr' || repeat(')', 17)]) expression;
SELECT regress_refusal(repeat('user_id pr or ', 64) || 'user_id pr'), regress_refusal('user_id pr' || repeat(' ', 4087));
SELECT regress_refusal(repeat('user_id pr or ', 63) || 'user_id pr'), regress_refusal('user_id pr' || repeat(' ', 4086)),
       regress_refusal(repeat('(', 16) || 'user_id pr' || repeat(')', 16));
-- what is found
SELECT expression, regress_found(expression) FROM unnest(ARRAY[
  -- missing values, and what negates
  'user_id eq 1', 'user_id ne 1', 'not (user_id eq 1)', 'user_id eq null', 'user_id ne null', 'user_id pr', 'not (user_id gt 1)', 'vm_id pr', 'vm_id eq ""',
  -- text, by bytes
  'status eq "failure"', 'status co "ailure"', 'status sw "F"', 'status ew "ed"', 'event_type gt "z"', 'event_type ge "z"', 'event_type lt "vm"', 'EVENT_TYPE Eq "Gr\u00f6\u00dfe"',
  'status co ""',
  -- numbers, times, ids, addresses
  'http_status ge 404', 'latency_ms gt 0', 'latency_ms pr', 'latency_ms eq null', 'latency_ms le 1.5', 'created_at gt "2025-01-01T11:00:01+01:00"',
  'created_at ge "2025-01-01T10:00:01Z" and created_at le "2025-01-01T10:00:03Z"', 'id eq "00000000-0000-0000-0000-000000000003"',
  'id ne "00000000000000000000000000000003"', 'ip_address eq "10.0.0.1"', 'ip_address eq "10.0.0.0/8"', 'ip_address ne "10.0.0.0/8"', 'ip_address eq "2001:db8::/32"',
  'ip_address eq "::/0"', 'ip_address eq "0.0.0.0/0"',
  -- the payload
  'event_payload pr', 'event_payload.region eq "eu-1"', 'event_payload.region ne "eu-1"', 'event_payload.region pr', 'event_payload.n eq 1.5', 'event_payload.n gt 1e-5',
  'event_payload.n eq "1.5"', 'event_payload.tags eq "b"', 'event_payload.tags co "z"', 'event_payload."a.b"."two words" eq true', 'event_payload."a.b"."two words" eq false',
  'event_payload.a.b pr', 'event_payload.list.k eq 1', 'event_payload.list.k eq 2', 'event_payload.list.k sw "x"', 'event_payload eq 2', 'event_payload eq "scalar"',
  'event_payload.Region pr', 'event_payload eq null',
  -- what joins
  'user_id eq 1 or user_id eq 2 and status eq "Failure"', '(user_id eq 1 or user_id eq 2) and status eq "Failure"', 'not (user_id eq 1 or user_id eq 2) and vm_id pr',
  'not(not(user_id eq 3))']) expression;
-- beside other arguments; page by page, with the text of the filter
SELECT right(id::text, 1) AS id FROM audit_list(event_group => 'vm', since => '2025-01-01 10:00:01Z', filter => 'status ew "ailure"');
SELECT right(id::text, 1) AS id, next_cursor FROM audit_list(filter => 'vm_id pr', page_size => 2);
SELECT right(id::text, 1) AS id, next_cursor FROM audit_list(filter => 'vm_id pr', page_size => 2, cursor => (SELECT min(next_cursor) FROM audit_list(filter => 'vm_id pr', page_size => 2)));
SELECT id FROM audit_list(filter => 'vm_id  pr', cursor => (SELECT min(next_cursor) FROM audit_list(filter => 'vm_id pr', page_size => 2)));
\echo :SQLSTATE
ROLLBACK TO s;
SELECT id FROM audit_list(cursor => (SELECT min(next_cursor) FROM audit_list(filter => 'vm_id pr', page_size => 2)));
ROLLBACK TO s;
-- the bound on rows that are checked; the index leaves few of them
SET LOCAL audit_ext.filter_rows_max = 4;
SELECT count(*) FROM audit_list(filter => 'event_payload.nothing pr');
\echo :SQLSTATE
ROLLBACK TO s;
SET LOCAL audit_ext.filter_rows_max = 4;
SELECT count(*) FROM audit_list(filter => 'event_payload.nothing pr', event_group => 'vm');
SELECT count(*) FROM audit_list(filter => 'event_payload.nothing pr', since => '2025-01-01 10:00:02Z');
SELECT count(*) FROM audit_list(filter => 'event_payload.nothing pr and created_at ge "2025-01-01T10:00:02Z"');
SELECT name, value FROM audit_explain(filter => 'vm_id eq "vm-1"', event_group => 'vm') WHERE name IN ('engine', 'events', 'rows_checked');
ROLLBACK TO s;
-- who asks may not raise it
CREATE ROLE regress_filter_reader;
SELECT audit_grant_reader('regress_filter_reader');
SET LOCAL ROLE regress_filter_reader;
SELECT count(*) FROM audit_list(filter => 'vm_id eq "vm-1"');
SET audit_ext.filter_rows_max = 2000000;
ROLLBACK TO s;
-- policies come first
CREATE ROLE regress_filter_reader;
SELECT audit_grant_reader('regress_filter_reader');
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY regress_own ON audit_events FOR SELECT USING (user_id = 1);
SET LOCAL ROLE regress_filter_reader;
SELECT right(id::text, 1) AS id FROM audit_list(filter => 'user_id pr or not (user_id pr)');
ROLLBACK;
