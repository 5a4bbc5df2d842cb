-- A database with everything in it: a schema of its own, partitions, events of every kind, users, keys, grants, policies.
DROP ROLE IF EXISTS audit_dump_reader, audit_dump_frontend;
CREATE ROLE audit_dump_reader;
CREATE ROLE audit_dump_frontend LOGIN;
GRANT audit_dump_reader TO audit_dump_frontend;
CREATE SCHEMA trail;
CREATE EXTENSION audit_ext SCHEMA trail CASCADE;
SET search_path = trail;
SELECT audit_create_partition('2025-01-01Z', '2025-02-01Z'), audit_create_partition('2025-02-01Z', '2025-03-01Z');
INSERT INTO audit_events (created_at, id, event_group, event_type, user_id, vm_id, latency_ms, ip_address, node_ip, event_payload, error_message)
SELECT timestamptz '2025-01-15Z' + i * interval '1 hour 0.000001 s',
       CASE WHEN i % 3 = 0 THEN pg_catalog.md5(i::text)::uuid ELSE audit_make_id(timestamptz '2025-01-15Z' + i * interval '1 hour 0.000001 s') END,
       'g' || i % 5, 't' || i % 7, i % 11, 'vm-' || i % 13, i / 3.0, '10.0.0.0'::inet + i, '2001:db8::'::inet + i,
       pg_catalog.jsonb_build_object('i', i, 'text', E'\u00e9"\\\n'), pg_catalog.repeat(E'\t"\\x\u0001', i % 2000)
FROM pg_catalog.generate_series(1, 3000) i;
SELECT audit_create_user('alice', 'correct horse', user_id => 7, scopes => '{audit:read:self}', db_role => 'audit_dump_reader');
-- For serves.py.
SELECT audit_create_api_key('ci', scopes => '{audit:read,audit:write}', expires_at => '2100-01-01Z') AS ci,
       audit_create_api_key('even', db_role => 'audit_dump_reader') AS even, audit_create_api_key('old') AS old \gset
\echo :ci :even :old
SELECT audit_revoke_api_key('old');
SELECT audit_grant_reader('audit_dump_reader'), audit_grant_frontend('audit_dump_frontend'), audit_grant_writer('audit_dump_frontend');
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION is_even(bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 OPERATOR(pg_catalog.%) 2 OPERATOR(pg_catalog.=) 0';
GRANT EXECUTE ON FUNCTION is_even(bigint) TO audit_dump_reader;
CREATE POLICY "even users" ON audit_events FOR SELECT TO audit_dump_reader USING (is_even(user_id));
CREATE POLICY "daemon reads" ON audit_events FOR SELECT TO audit_dump_frontend USING (true);
CREATE POLICY "daemon writes" ON audit_events FOR INSERT TO audit_dump_frontend WITH CHECK (true);
CREATE POLICY not_g1 ON audit_events AS RESTRICTIVE FOR SELECT USING (event_group <> 'g1');
-- Partitions as configured, holds in force and released, and what maintenance has left.
-- One event is later than what is made ahead, and than what would be taken when it is restored.
SELECT audit_configure('week', '20 years', 2, '100 years');
SELECT audit_hold('2025-01-01Z', '2025-02-01Z', 'case 1'), audit_hold(NULL, '1990-01-01Z', 'case 2');
SELECT audit_release(1);
INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2025-05-05Z', 'moved', 't'), ('2100-01-01Z', 'moved', 't');
CALL audit_maintain();
SELECT audit_configure('week', '20 years', 2);
INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2026-01-01Z', 'in the default partition', 't');
