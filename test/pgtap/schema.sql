-- The shape of what the extension installs: tables, columns, types, indexes, triggers.
BEGIN;
CREATE SCHEMA tap;
CREATE EXTENSION pgtap SCHEMA tap;
SET search_path = public, tap;
SET client_min_messages = warning;
CREATE EXTENSION audit_ext SCHEMA public CASCADE;
SELECT plan(125);

SELECT has_extension('audit_ext');
SELECT is(installed_version, default_version, 'the version is that of the control file') FROM pg_available_extensions WHERE name = 'audit_ext';

SELECT is_partitioned('public', 'audit_events', 'audit_events is partitioned');
SELECT is_partition_of('public', 'audit_events_default', 'public', 'audit_events', 'the default partition is there');
SELECT columns_are('public', 'audit_events', ARRAY['id', 'created_at', 'user_id', 'actor_type', 'actor_id', 'source', 'event_group',
  'event_type', 'status', 'resource_type', 'resource_id', 'session_id', 'vm_id', 'task_id', 'request_id', 'correlation_id', 'http_method',
  'path', 'http_status', 'latency_ms', 'ip_address', 'user_agent', 'node_ip', 'worker_id', 'event_payload', 'error_message']);

CREATE TEMP TABLE expected_column (position int GENERATED ALWAYS AS IDENTITY, name text, type text, required boolean);
INSERT INTO expected_column (name, type, required) VALUES
  ('id', 'uuid', true), ('created_at', 'timestamp with time zone', true), ('user_id', 'bigint', false), ('actor_type', 'text', true),
  ('actor_id', 'text', false), ('source', 'text', true), ('event_group', 'text', true), ('event_type', 'text', true), ('status', 'text', true),
  ('resource_type', 'text', false), ('resource_id', 'text', false), ('session_id', 'text', false), ('vm_id', 'text', false),
  ('task_id', 'bigint', false), ('request_id', 'text', false), ('correlation_id', 'text', false), ('http_method', 'text', false),
  ('path', 'text', false), ('http_status', 'integer', false), ('latency_ms', 'double precision', false), ('ip_address', 'inet', false),
  ('user_agent', 'text', false), ('node_ip', 'inet', false), ('worker_id', 'text', false), ('event_payload', 'jsonb', false),
  ('error_message', 'text', false);
SELECT col_type_is('public', 'audit_events', name, type, name || ' is ' || type) FROM expected_column ORDER BY position;
SELECT CASE WHEN required THEN col_not_null('public', 'audit_events', name, name || ' is required')
       ELSE col_is_null('public', 'audit_events', name, name || ' is optional') END FROM expected_column ORDER BY position;
SELECT is(a.attnum::int, e.position, e.name || ' is at its place')
FROM expected_column e JOIN pg_attribute a ON a.attrelid = 'audit_events'::regclass AND a.attname = e.name ORDER BY e.position;
SELECT isnt(col_description('audit_events'::regclass, e.position), NULL, e.name || ' has a comment') FROM expected_column e ORDER BY position;
SELECT col_default_is('public', 'audit_events', 'created_at', 'clock_timestamp()', 'created_at is now by default');

-- The parent must have no index and no primary key: dumps would not restore.
SELECT hasnt_pk('public', 'audit_events', 'the parent has no primary key');
SELECT indexes_are('public', 'audit_events', ARRAY[]::name[], 'the parent has no index');
SELECT col_is_pk('public', 'audit_events_default', ARRAY['created_at', 'id'], 'the partition has its own primary key');
SELECT indexes_are('public', 'audit_events_default', ARRAY['audit_events_default_pkey', 'audit_events_default_filters', 'audit_events_default_foreign_id',
  'audit_events_default_ranges']);
SELECT index_is_type('public', 'audit_events_default', 'audit_events_default_filters', 'gin');
SELECT has_trigger('public', 'audit_events_default', 'audit_events_before_insert', 'the partition has the trigger');

SELECT lives_ok($$SELECT audit_create_partition('2025-01-01Z', '2025-02-01Z')$$, 'a partition is made');
SELECT is_partition_of('public', 'audit_events_20250101', 'public', 'audit_events', 'it is attached');
SELECT indexes_are('public', 'audit_events_20250101', ARRAY['audit_events_20250101_pkey', 'audit_events_20250101_filters', 'audit_events_20250101_foreign_id',
  'audit_events_20250101_ranges']);
SELECT has_trigger('public', 'audit_events_20250101', 'audit_events_before_insert', 'it has the trigger');
SELECT is((SELECT count(*) FROM pg_depend WHERE objid = 'audit_events_20250101'::regclass AND deptype = 'e'), 0::bigint,
          'it is no member of the extension, so that a dump has it');
SELECT throws_ok($$SELECT audit_create_partition('2025-01-15Z', '2025-03-01Z')$$, '42P17', NULL, 'partitions do not overlap');
INSERT INTO audit_events (event_group, event_type, created_at) VALUES ('g', 't', '2025-06-01Z');
SELECT throws_ok($$SELECT audit_create_partition('2025-06-01Z', '2025-07-01Z')$$, '23514', NULL, 'events in the default partition are in the way');
SELECT throws_ok($$SELECT audit_create_partition('2025-02-01Z', '2025-01-01Z')$$, '22023', 'a partition needs a time range');

-- What a dump must have the rows of.
SELECT bag_eq($$SELECT c.oid::regclass::text FROM pg_extension e, unnest(e.extconfig) c(oid) WHERE e.extname = 'audit_ext'$$,
              ARRAY['audit_events_dump', 'audit_users', 'audit_api_keys', 'audit_policies', 'audit_idempotency_keys',
                    'audit_configuration', 'audit_holds', 'audit_holds_id_seq'], 'rows of these are dumped');
SELECT * FROM finish();
ROLLBACK;
