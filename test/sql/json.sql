-- audit_list_json: the HTTP body, in the contract's form to the byte.
SET timezone = 'Asia/Kolkata';  -- must not show
SELECT audit_list_json();
BEGIN;
INSERT INTO audit_events VALUES
  ('00000000-0000-0000-0000-00000000000f', '2025-01-01 00:00:00Z', -9223372036854775808, 'user', 'usr_1', 'api', 'auth', 'auth.login', 'success',
   'vm', 'vm-1', 's', 'v', 9223372036854775807, 'r', 'c', 'GET', '/v1', 200, 0.1, '10.0.0.1', 'ua', '2001:db8::1', 'w',
   '{"b": [1, 2.50, 1e3, null, true, {"c": "\u00e9\n\""}], "a": "\\"}', E'can''t open "C:\\dir"\n\tcaf\u00e9 \u0007 \u2028 — 失敗 😀'),
  ('00000000-0000-0000-0000-00000000000e', '2024-12-31 23:59:59.000001Z', NULL, '', NULL, '', '', '', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, '10.1.0.0/16', NULL, NULL, NULL, 'null', NULL),
  ('00000000-0000-0000-0000-00000000000d', '2024-12-31 23:59:58.100000Z', 0, 'a', NULL, 'b', 'c', 'd', 'e', NULL, NULL, NULL, NULL, 0, NULL, NULL,
   NULL, NULL, -1, 'NaN', '::ffff:1.2.3.4', NULL, '::/0', NULL, '"x"', NULL);
\pset format unaligned
\pset tuples_only on
SELECT audit_list_json(page_size => 1);
SELECT audit_list_json(event_group => '');
SELECT audit_list_json(event_group => 'c');
-- it is JSON, and says what the rows say
SELECT jsonb_pretty(audit_list_json(page_size => 2)::jsonb - 'items'), json_array_length(audit_list_json() -> 'items');
SELECT count(*) FILTER (WHERE j ->> 'error_message' IS NOT DISTINCT FROM error_message AND (j -> 'event_payload')::jsonb IS NOT DISTINCT FROM coalesce(event_payload, 'null')
         AND (j ->> 'created_at')::timestamptz = created_at AND (j ->> 'id')::uuid = id AND (j ->> 'user_id')::bigint IS NOT DISTINCT FROM user_id
         AND (j ->> 'ip_address')::inet IS NOT DISTINCT FROM ip_address AND (j ->> 'latency_ms')::float8 IS NOT DISTINCT FROM nullif(latency_ms, 'NaN'))
FROM json_array_elements(audit_list_json() -> 'items') j JOIN audit_events e ON e.id = (j ->> 'id')::uuid;
SELECT string_agg(k, ' ') FROM json_object_keys(audit_list_json() -> 'items' -> 0) k;
-- large values: longer than a page, compressed and out of line
SET LOCAL audit_ext.allow_changes = on;
UPDATE audit_events SET error_message = repeat(E'\u0001"', 300000), event_payload = to_jsonb(repeat('é"', 300000)) WHERE user_id = 0;
SELECT length(j ->> 'error_message'), j ->> 'error_message' = error_message, length(j ->> 'event_payload'), (j ->> 'event_payload') = event_payload #>> '{}'
FROM json_array_elements(audit_list_json(user_id => 0) -> 'items') j, audit_events WHERE user_id = 0;
ROLLBACK;
-- every shape of payload, to the byte as jsonb prints it
BEGIN;
INSERT INTO audit_events (event_group, event_type, event_payload)
SELECT 'odd', 't', j FROM (
  VALUES ('null'::jsonb), ('true'), ('1'), ('"x"'), ('[]'), ('{}'), ('[[]]'), ('[null]'), ('{"a":{}}'), ('{"":""}'), ('{"a":null}'),
    ('[{},[],null,true,false,-1.50,1e300,1e-20,0.0,"é\u0001\"\\/😀"]'), ('{"a":1,"bb":{"c":[1,{"d":[[[[]]]]}]},"ccc":"x","d":[1.0,"y"]}'),
    -- more children than have an offset each, and numbers behind texts of every length modulo 4
    ((SELECT jsonb_agg(jsonb_build_object('k' || i, i / 3.0, 'n', null, 'a', jsonb_build_array(i, i::text, repeat('x', i)))) FROM generate_series(1, 300) i)),
    ((SELECT jsonb_object_agg('key' || i, CASE i % 5 WHEN 0 THEN to_jsonb(i) WHEN 1 THEN to_jsonb(repeat('"', i)) WHEN 2 THEN 'null' WHEN 3 THEN '[1,2.0]' ELSE 'true' END)
      FROM generate_series(1, 1000) i))) v(j);
SELECT count(*) AS payloads, count(*) FILTER (WHERE strpos(audit_get_json(id)::text, '"event_payload":' || event_payload::text || ',"error_message":null}') > 0) AS same FROM audit_events;
-- every form of a number: signs, zeros and digits before, behind and around the point, in groups of every length
INSERT INTO audit_events (event_group, event_type, event_payload)
SELECT 'number', 't', jsonb_build_object('n', ('1.' || repeat('0', s))::numeric * n * (10::numeric ^ e))
FROM unnest(ARRAY[0, 1, -1, 9, -10, 99, 1000, 9999, -10000, 10001, 12345678, 1234567890123456789, 0.5, 3.14159, -99999999.99990001]) n,
  unnest(ARRAY[-40, -9, -5, -4, -3, -1, 0, 1, 2, 4, 7, 8, 40, 200]) e, unnest(ARRAY[0, 1, 3, 4, 5, 8]) s;
SELECT count(*) AS numbers, count(*) FILTER (WHERE strpos(audit_get_json(id)::text, '"event_payload":' || event_payload::text || ',"error_message":null}') > 0) AS same
FROM audit_events WHERE event_group = 'number';
-- nested deeply
SET audit_ext.max_event_size = 0;
SELECT audit_log('deep', 't', event_payload => (repeat('[', 5000) || repeat(']', 5000))::jsonb) IS NOT NULL;
SELECT length(audit_list_json(event_group => 'deep') -> 'items' -> 0 ->> 'event_payload');
ROLLBACK;
