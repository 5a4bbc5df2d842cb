-- audit_log_batch: an array of events, all or nothing; what POST /v1/audit/events is made of.
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\pset null NULL
\set VERBOSITY default

-- the defaults are those of audit_log, and the order is kept
BEGIN;
SELECT is_new FROM audit_log_batch('[{"event_group": "auth", "event_type": "first"}, {"event_group": "auth", "event_type": "second", "actor_id": "a"},
  {"event_type": "third", "event_group": "auth", "status": null, "source": null, "id": null, "created_at": null}]');
SELECT event_type, status, source, actor_type, audit_id_matches(id, created_at) AS matches FROM audit_list();
ROLLBACK;
-- every member
BEGIN;
\x
SELECT * FROM audit_log_batch('{"id": "00000000-0000-0000-0000-000000000001", "created_at": "2025-01-01T01:00:00.5+01:00", "user_id": -9223372036854775808,
  "actor_type": "service", "actor_id": "", "source": "worker", "event_group": "vm", "event_type": "vm.start", "status": "failure", "resource_type": "vm",
  "resource_id": "vm-1", "session_id": "s", "vm_id": "ü", "task_id": 9223372036854775807, "request_id": "r", "correlation_id": "c", "http_method": "POST", "path": "/v1/vm",
  "http_status": 5e2, "latency_ms": 1.5, "ip_address": "10.0.0.0/8", "user_agent": "ua", "node_ip": "::ffff:1.2.3.4", "worker_id": "w",
  "event_payload": {"a": [1, {"b": null}]}, "error_message": "e"}');
SELECT * FROM audit_events;
\x
SELECT is_new FROM audit_log_batch('[{"event_group": "g", "event_type": "payload", "event_payload": "text"}, {"event_group": "g", "event_type": "payload", "event_payload": false},
  {"event_group": "g", "event_type": "payload", "event_payload": [], "task_id": 1.00}]');
SELECT event_payload, task_id FROM audit_events WHERE event_type = 'payload' ORDER BY created_at;
ROLLBACK;
-- nothing to record
SELECT * FROM audit_log_batch('[]');
SELECT * FROM audit_log_batch(NULL);

-- one wrong event in the middle: its place and the member are named, and nothing is recorded
CREATE FUNCTION wrong(event text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text; member text; kind text;
BEGIN
  PERFORM audit_log_batch(format('[{"event_group": "g", "event_type": "t"}, %s, {"event_group": "g", "event_type": "t"}]', event)::jsonb);
  RETURN 'recorded';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, member = COLUMN_NAME, kind = CONSTRAINT_NAME;
  RETURN concat_ws(' | ', SQLSTATE, member, kind, message);
END $$;
SELECT wrong('{"event_group": "g", "event_type": "t", ' || member || '}') FROM unnest(ARRAY[
  '"event": "t"', '"": 1', '"ID": 1', '"next_cursor": null',
  '"event_group": null', '"event_type": 5', '"status": ["failure"]', '"path": {}', '"error_message": true', '"actor_id": 1.5',
  '"user_id": "5"', '"user_id": 1.5', '"user_id": 9223372036854775808', '"task_id": -9223372036854775809', '"user_id": true', '"task_id": 1e400',
  '"http_status": 2147483648', '"http_status": -2147483649', '"http_status": []',
  '"latency_ms": "1.5"', '"latency_ms": 1e309', '"latency_ms": -1e400',
  '"created_at": "2025-01-01"', '"created_at": "2025-01-01T00:00:00"', '"created_at": "2025-02-29T00:00:00Z"', '"created_at": 0', '"created_at": "infinity"',
  '"created_at": "1969-12-31T23:59:59Z"', '"created_at": "10000-01-01T00:00:00Z"', '"created_at": "now"',
  '"id": "x"', '"id": 5', '"id": "{00000000-0000-0000-0000-000000000001}"',
  '"ip_address": "1.2.3"', '"ip_address": ""', '"node_ip": "10.0.0.1/33"', '"node_ip": "localhost"', '"ip_address": 1', '"ip_address": "' || repeat('1', 100) || '"']) member;
SELECT wrong(event) FROM unnest(ARRAY['null', '5', '"text"', '[]', '[{"event_group": "g", "event_type": "t"}]', '{}', '{"event_group": "g"}', '{"event_type": "t"}']) event;
SELECT wrong(format('{"%s": 1}', repeat('ü', 200)));
SELECT audit_log_batch('[{"event_group": "g", "event_type": "t"}, {"event_group": "g", "event_type": "t", "user_id": "5"}]');
SELECT audit_log_batch('"text"');
-- too long for the filter index: the column is named at every way in
SELECT wrong(format('{"event_group": "g", "event_type": "t", "%s": "%s"}', member, repeat('x', 2049)))
FROM unnest(ARRAY['event_group', 'event_type', 'status', 'vm_id', 'session_id']) member;
SELECT audit_log('g', 't', session_id => repeat('x', 2049));
INSERT INTO audit_events (event_group, event_type, vm_id) VALUES ('g', 't', repeat('x', 2049));
INSERT INTO audit_events_default (event_group, event_type, vm_id) VALUES ('g', 't', repeat('x', 2049));
CREATE TEMP TABLE too_long AS SELECT 'g' AS event_group, repeat('ü', 1025) AS event_type;
INSERT INTO audit_events (event_group, event_type) SELECT * FROM too_long;
COPY audit_events (event_group, event_type, status) FROM PROGRAM 'printf "g\tt\t%02049d\n" 0';
SELECT status, answer FROM audit_log_json(format('{"event_group": "g", "event_type": %s}', to_json(repeat('x', 2049))));
SELECT count(*) FROM audit_events;

-- a given id is recorded once
BEGIN;
SELECT * FROM audit_log_batch('[{"event_group": "g", "event_type": "t", "id": "00000000-0000-4000-8000-000000000001"},
  {"event_group": "g", "event_type": "t", "id": "00000000-0000-4000-8000-000000000002", "created_at": "2025-01-01T00:00:00Z"}]');
SELECT * FROM audit_log_batch('[{"event_group": "g", "event_type": "t", "id": "00000000-0000-4000-8000-000000000001"},
  {"event_group": "g", "event_type": "new", "id": "00000000-0000-4000-8000-000000000003"},
  {"event_group": "g", "event_type": "twice", "id": "00000000-0000-4000-8000-000000000003"},
  {"event_group": "g", "event_type": "t", "id": "00000000-0000-4000-8000-000000000002", "created_at": "2025-01-02T00:00:00Z"}]');
SELECT event_type, count(*) FROM audit_events GROUP BY 1 ORDER BY 1;
-- also from an id of version 7 that was recorded at another time, and in another partition
SELECT audit_create_partition('2025-03-01Z', '2025-04-01Z');
SELECT audit_make_id('2025-03-05 12:00:00.5Z') AS id \gset
SELECT is_new FROM audit_log_batch(jsonb_build_object('event_group', 'g', 'event_type', 'v7', 'id', :'id', 'created_at', '2025-05-05T00:00:00Z'));
SELECT is_new FROM audit_log_batch(jsonb_build_object('event_group', 'g', 'event_type', 'v7', 'id', :'id'));
SELECT is_new FROM audit_log_batch(jsonb_build_object('event_group', 'g', 'event_type', 'v7', 'id', :'id', 'created_at', '2025-03-05T12:00:00.5Z'));
SELECT count(*) FROM audit_events WHERE id = :'id';
SELECT count(*) FROM audit_id_claims;
ROLLBACK;

-- rights: those of the caller, who need not be able to read
CREATE ROLE regress_writer;
CREATE ROLE regress_nobody;
SELECT audit_grant_writer('regress_writer');
BEGIN;
SET LOCAL ROLE regress_writer;
SELECT is_new FROM audit_log_batch('[{"event_group": "g", "event_type": "t", "id": "00000000-0000-4000-8000-000000000001"}]');
SELECT is_new FROM audit_log_batch('[{"event_group": "g", "event_type": "t", "id": "00000000-0000-4000-8000-000000000001"}]');
SELECT audit_log('g', 't', id => '00000000-0000-4000-8000-000000000001');
SELECT current_user;
SELECT * FROM audit_log_json('[]', principal => 'p', idempotency_key => 'k');
SELECT * FROM audit_idempotency_keys;
ROLLBACK;
SET ROLE regress_nobody;
SELECT audit_log_batch('[]');
SELECT audit_log_json('[]');
RESET ROLE;
BEGIN;
REVOKE INSERT ON audit_events FROM regress_writer;
SET LOCAL ROLE regress_writer;
SELECT audit_log_batch('[{"event_group": "g", "event_type": "t", "id": "00000000-0000-4000-8000-000000000001"}]');
ROLLBACK;
-- policies hold for the new row; an event that the caller may not see is known all the same
BEGIN;
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;
CREATE POLICY only_a ON audit_events FOR INSERT TO regress_writer WITH CHECK (vm_id = 'a');
SET LOCAL ROLE regress_writer;
SELECT is_new FROM audit_log_batch('{"event_group": "g", "event_type": "t", "vm_id": "a", "id": "00000000-0000-4000-8000-000000000001"}');
SELECT is_new FROM audit_log_batch('{"event_group": "g", "event_type": "t", "vm_id": "a", "id": "00000000-0000-4000-8000-000000000001"}');
SELECT audit_log_batch('{"event_group": "g", "event_type": "t", "vm_id": "b"}');
ROLLBACK;

-- what the daemon calls
BEGIN;
SELECT status, answer -> 'recorded' AS recorded, json_array_length(answer -> 'ids') AS ids
FROM unnest(ARRAY['{"event_group": "g", "event_type": "t"}', '[{"event_group": "g", "event_type": "t"}]', ' [ ] ', '[{}, {}]']) body, audit_log_json(body);
SELECT status, answer -> 'recorded' AS recorded, json_array_length(answer -> 'ids') AS ids FROM unnest(ARRAY['', E'\n \r\n', E'\n{"event_group": "g", "event_type": "t"}\r\n\n{"event_group": "g", "event_type": "t"}',
  E'[{"event_group": "g", "event_type": "t"}]\n']) body, audit_log_json(body, true);
SELECT source FROM audit_events GROUP BY 1;
SELECT * FROM audit_log_json('[{}, 5, {"event_group": "g", "event_type": "t", "x\"y": 1}]');
SELECT status, answer FROM audit_log_json('7');
SELECT status FROM audit_log_json('[' || repeat('{"event_group": "g", "event_type": "t"},', 10000) || '{}]');
SELECT status FROM audit_log_json(repeat(E'{"event_group": "g", "event_type": "t"}\n', 10001), true);
SELECT json_array_length(answer -> 'detail') AS at_most FROM audit_log_json('[' || repeat('{},', 500) || '{}]');
ROLLBACK;
-- bound to a user
BEGIN;
SELECT status FROM audit_log_json('[{"event_group": "g", "event_type": "t"}, {"event_group": "g", "event_type": "t", "user_id": 5}]', user_id => 5);
SELECT status, answer FROM audit_log_json('[{"event_group": "g", "event_type": "t"}, {"event_group": "g", "event_type": "t", "user_id": 6}]', user_id => 5);
SELECT user_id, actor_type FROM audit_events;
ROLLBACK;
-- no JSON
SELECT audit_log_json('[{"event_group": "g", "event_type": "t"}');
SELECT audit_log_json('');
SELECT audit_log_json(E'{"event_group": "g", "event_type": "t"}\n{"event_group": \n', true);
\set VERBOSITY sqlstate
SELECT audit_log_json('{"event_group": "\u0000", "event_type": "t"}');
SELECT audit_log_json('{"event_group": "\ud800", "event_type": "t"}');
SELECT audit_log_json(repeat('[', 100000));
SELECT audit_log_json('{"event_group": "g", "event_type": "t", "latency_ms": 1e1000000}');
SELECT audit_log_json(NULL);
\set VERBOSITY default
SELECT count(*) FROM audit_events;
-- the same key: the same answer; with other events: refused
BEGIN;
SELECT answer AS first FROM audit_log_json('{"event_group": "g", "event_type": "t"}', principal => 'user:a', idempotency_key => 'k') \gset
SELECT status, answer::text = :'first' AS same FROM audit_log_json('{"event_group": "g", "event_type": "t"}', principal => 'user:a', idempotency_key => 'k');
SELECT * FROM audit_log_json('{"event_group": "g", "event_type": "other"}', principal => 'user:a', idempotency_key => 'k');
SELECT status, answer::text = :'first' AS same FROM audit_log_json('{"event_group": "g", "event_type": "t"}', principal => 'user:b', idempotency_key => 'k');
SELECT status FROM audit_log_json('{"event_group": "g"}', principal => 'user:a', idempotency_key => 'wrong');
SELECT status FROM audit_log_json('{"event_group": "g", "event_type": "t"}', principal => 'user:a', idempotency_key => 'wrong');
SELECT count(*) FROM audit_events;
-- after a day it is forgotten, and cleared away
UPDATE audit_idempotency_keys SET created_at = created_at - interval '25 hours';
SELECT status, answer::text = :'first' AS same FROM audit_log_json('{"event_group": "g", "event_type": "other"}', principal => 'user:a', idempotency_key => 'k');
SELECT principal, key FROM audit_idempotency_keys;
ROLLBACK;
DROP FUNCTION wrong;
DROP OWNED BY regress_writer;
DROP ROLE regress_writer, regress_nobody;
