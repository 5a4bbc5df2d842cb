-- audit_log: one event, its id back.
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\pset null NULL
BEGIN;
SELECT audit_log('auth', 'auth.login') AS id \gset
\x
SELECT id = :'id' AS same_id, clock_timestamp() - created_at < interval '1 minute' AS is_now, audit_id_matches(id, created_at) AS matches,
       user_id, actor_type, source, event_group, event_type, status, event_payload FROM audit_events;
SELECT audit_log('vm', 'vm.start', 'failure', user_id => 5, actor_id => 'usr_5', source => 'api', resource_type => 'vm', resource_id => 'vm-1', session_id => 's',
  vm_id => 'vm-1', task_id => 6, request_id => 'r', correlation_id => 'c', http_method => 'POST', path => '/v1/vm', http_status => 500, latency_ms => 1.5,
  ip_address => '10.0.0.1', user_agent => 'ua', node_ip => '::1', worker_id => 'w', event_payload => '{"a": 1}', error_message => 'e',
  id => '00000000-0000-0000-0000-000000000001', created_at => '2025-01-01Z');
SELECT * FROM audit_get('00000000-0000-0000-0000-000000000001');
\x
-- given as NULL is the same as not given
SELECT audit_log('g', 't', NULL, NULL, NULL, 'x', NULL) AS id \gset
SELECT event_group, status, actor_type, source FROM audit_get(:'id');
-- the time may be given alone: the id is made from it
SELECT audit_log('g', 't', created_at => '2024-02-29 12:00:00.123456Z') AS id \gset
SELECT created_at, audit_id_matches(id, created_at) FROM audit_get(:'id');
ROLLBACK;
-- refused
\set VERBOSITY terse
SELECT audit_log(NULL, 't');
\echo :SQLSTATE
SELECT audit_log('g', NULL);
\set VERBOSITY default
SELECT audit_log('g', 't', vm_id => repeat('x', 3000));
\echo :SQLSTATE
SELECT audit_log('g', 't', id => '00000000-0000-0000-0000-000000000001', created_at => '1960-01-01Z');
\echo :SQLSTATE
-- an id that was given before, whatever else is different: no second event
BEGIN;
SELECT audit_log('g', 't', id => '00000000-0000-0000-0000-000000000001', created_at => '2025-01-01Z');
SELECT audit_log('g', 't', id => '00000000-0000-0000-0000-000000000001', created_at => '2025-01-01Z');
SELECT audit_log('g', 'other', id => '00000000-0000-0000-0000-000000000001', created_at => '2025-01-02Z');
SELECT audit_log('g', 'other', id => '00000000-0000-0000-0000-000000000001');
SELECT audit_log('g', 't') AS id \gset
SELECT audit_log('g', 'other', id => :'id') = :'id' AS same_id;
SELECT event_type, count(*) FROM audit_events GROUP BY 1;
-- an id of version 7 without a time is recorded at the time that it holds
SELECT audit_make_id('2024-02-29 12:00:00.123456Z') AS id \gset
SELECT audit_log('g', 'timed', id => :'id') = :'id' AS same_id;
SELECT audit_log('g', 'made elsewhere', id => '018df4a2-a07b-7fff-8000-000000000000');
SELECT audit_log('g', 'year 10889', id => 'ffffffff-ffff-7fff-8000-000000000000');
SELECT event_type, CASE WHEN created_at > now() THEN 'now' ELSE created_at::text END AS created_at FROM audit_list(event_group => 'g') WHERE event_type NOT IN ('t', 'other');
ROLLBACK;
SELECT count(*) FROM audit_events;
