-- Who may see what: under each role the posting engine gives the same answer or error as the SQL path, and as a plain SELECT.
SET client_min_messages = warning;
SET audit_ext.allow_changes = on;
-- without events about it, which would be counted here
CREATE FUNCTION regress_unrecorded() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER regress_unrecorded BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.event_group = 'audit') EXECUTE FUNCTION regress_unrecorded();
SET timezone = 'UTC';
DROP ROLE IF EXISTS regress_nobody, regress_columns, regress_few, regress_table, regress_member, regress_stranger, regress_tenant, regress_bypass, regress_owner;
CREATE ROLE regress_nobody;
CREATE ROLE regress_columns;
CREATE ROLE regress_few;
CREATE ROLE regress_table;
CREATE ROLE regress_member IN ROLE regress_table;
CREATE ROLE regress_stranger NOINHERIT IN ROLE regress_table;
CREATE ROLE regress_tenant;
CREATE ROLE regress_bypass BYPASSRLS;
CREATE ROLE regress_owner;

INSERT INTO audit_events (created_at, event_group, event_type, user_id)
SELECT '2025-01-01Z'::timestamptz + n * interval '1 s', 'g', 't', n % 3 FROM generate_series(1, 30) n;
GRANT EXECUTE ON FUNCTION audit_list, audit_explain TO PUBLIC;
GRANT SELECT ON audit_events TO regress_table, regress_tenant, regress_bypass;
DO $$ DECLARE columns text := (SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = 'audit_events'::regclass AND attnum > 0); BEGIN
  EXECUTE format('GRANT SELECT (%s) ON audit_events TO regress_columns', columns);
END $$;
GRANT SELECT (id, created_at, event_group) ON audit_events TO regress_few;

CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  found text;
BEGIN
  EXECUTE query INTO found;
  RETURN found;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- The page as one text, by each of the three, and how many events are in it.
CREATE FUNCTION see(OUT who name, OUT engine text, OUT same_as_sql boolean, OUT same_as_plain boolean, OUT answer text) LANGUAGE plpgsql AS $$
DECLARE
  page CONSTANT text := 'SELECT string_agg(e::text, '','') FROM (SELECT %s FROM %s) e';
  columns CONSTANT text := 'id, created_at, user_id, actor_type, actor_id, source, event_group, event_type, status, resource_type, resource_id, session_id, vm_id,
    task_id, request_id, correlation_id, http_method, path, http_status, latency_ms, ip_address, user_agent, node_ip, worker_id, event_payload, error_message';
  seen text := answer(format(page, columns, 'audit_list()'));
BEGIN
  who := current_user;
  engine := answer($q$SELECT value FROM audit_explain() WHERE name = 'engine'$q$);
  PERFORM set_config('audit_ext.engine', 'sql', true);
  same_as_sql := seen IS NOT DISTINCT FROM answer(format(page, columns, 'audit_list()'));
  PERFORM set_config('audit_ext.engine', 'auto', true);
  same_as_plain := seen IS NOT DISTINCT FROM answer(format(page, columns, '(SELECT * FROM audit_events ORDER BY created_at DESC, id DESC LIMIT 50) p'));
  answer := CASE WHEN seen IS NULL THEN '0 events' WHEN seen LIKE '(%' THEN regexp_count(seen, '\(') || ' events' ELSE seen END;
END $$;
CREATE FUNCTION see_as_definer(OUT who name, OUT engine text, OUT same_as_sql boolean, OUT same_as_plain boolean, OUT answer text)
SECURITY DEFINER LANGUAGE sql AS 'SELECT * FROM see()';
CREATE FUNCTION see_as(VARIADIC roles name[]) RETURNS TABLE (who name, engine text, same_as_sql boolean, same_as_plain boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
  role name;
BEGIN
  FOREACH role IN ARRAY roles LOOP
    EXECUTE format('SET LOCAL ROLE %I', role);
    RETURN QUERY SELECT * FROM see();
    RESET ROLE;
  END LOOP;
END $$;

SELECT * FROM see_as('regress_nobody', 'regress_few', 'regress_columns', 'regress_table', 'regress_member', 'regress_stranger', 'regress_tenant', 'regress_bypass');
-- a function's owner counts, not who calls it
SET ROLE regress_nobody;
SELECT answer = '30 events' AS by_definer, same_as_sql, same_as_plain FROM see_as_definer();
RESET ROLE;
-- a policy: for some, not for who is above it, nor the owner; unless it is forced on them
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON audit_events FOR SELECT TO regress_tenant, regress_columns USING (user_id = 1);
SELECT * FROM see_as('regress_nobody', 'regress_columns', 'regress_table', 'regress_tenant', 'regress_bypass');
SELECT current_user AS superuser \gset
ALTER TABLE audit_events OWNER TO regress_owner;
SELECT * FROM see_as('regress_owner');
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;
SELECT * FROM see_as('regress_owner', 'regress_bypass');
-- who asks for an error where a policy would hide rows
SET row_security = off;
SELECT * FROM see_as('regress_tenant', 'regress_owner', 'regress_bypass');
RESET row_security;
-- rights that are taken away in a session that has read before
ALTER TABLE audit_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_events OWNER TO :"superuser";
DROP POLICY own ON audit_events;
ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY;
SELECT * FROM see_as('regress_table');
REVOKE SELECT ON audit_events FROM regress_table;
SELECT * FROM see_as('regress_table', 'regress_member');

DROP FUNCTION see_as, see_as_definer, see, answer;
REVOKE EXECUTE ON FUNCTION audit_list, audit_explain FROM PUBLIC;
DROP OWNED BY regress_nobody, regress_columns, regress_few, regress_table, regress_member, regress_stranger, regress_tenant, regress_bypass, regress_owner;
DROP ROLE regress_nobody, regress_columns, regress_few, regress_table, regress_member, regress_stranger, regress_tenant, regress_bypass, regress_owner;
DROP EXTENSION audit_ext;
DROP FUNCTION regress_unrecorded;
CREATE EXTENSION audit_ext;
