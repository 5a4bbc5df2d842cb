-- What must be the same on both sides.
SET search_path = trail;
SET timezone = 'UTC';
SELECT tableoid::regclass, count(*) FROM audit_events GROUP BY 1 ORDER BY tableoid::regclass::text COLLATE "C";
SELECT pg_catalog.md5(pg_catalog.string_agg(e::text, ',' ORDER BY created_at, id)) FROM audit_events e;
SELECT audit_list_json(page_size => 200);
SELECT audit_list_json(event_group => 'g3', vm_id => 'vm-4', page_size => 200);
SELECT * FROM audit_users;
SELECT * FROM audit_api_keys ORDER BY name;
SELECT principal, scope FROM audit_authenticate_password('alice', 'correct horse');
SET ROLE audit_dump_reader;
SELECT audit_list_json(page_size => 50);
RESET ROLE;
SELECT relname, pg_catalog.pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'audit_events'::regclass) ORDER BY 1;
SELECT polname, polpermissive, polcmd, polroles::regrole[], pg_catalog.pg_get_expr(polqual, polrelid) FROM pg_policy ORDER BY 1;
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'audit_events'::regclass;
SELECT partition, since, until FROM audit_partitions();
SELECT * FROM audit_configuration;
SELECT * FROM audit_holds ORDER BY id;
SELECT partition_every, keep, premake, partitions, oldest_event, next_missing, expired_partitions, default_events, holds FROM audit_status;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgrelid IN (SELECT partition FROM audit_partitions()) ORDER BY tgrelid::regclass::text COLLATE "C", tgname;
