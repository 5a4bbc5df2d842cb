-- A restored trail takes new events, finds them, makes partitions, keys and logins as before.
SET search_path = trail;
DO $$
DECLARE
  api_key text := audit_create_api_key('another');
  new_id uuid := audit_log('new', 't', user_id => 2, created_at => '2025-02-10Z');
BEGIN
  ASSERT (SELECT g.event_group = 'new' FROM audit_get(new_id) g), 'a new event is found by its id';
  ASSERT (SELECT count(*) = 1 FROM audit_list(event_group => 'new')), 'and by its filter';
  ASSERT (SELECT tableoid = 'audit_events_20250201'::regclass FROM audit_events e WHERE e.id = new_id), 'in its partition';
  ASSERT audit_create_partition('2024-01-01Z', '2024-02-01Z') IS NOT NULL, 'a partition can be made';
  ASSERT (SELECT count(*) = 1 FROM audit_authenticate_password('alice', 'correct horse')), 'the user can log in';
  ASSERT (SELECT count(*) = 1 FROM audit_authenticate_api_key(pg_catalog.sha256(pg_catalog.convert_to(api_key, 'UTF8')))), 'keys work';
END
$$;
-- Guarded, maintained and held as before.
DO $$
DECLARE
  statement text;
BEGIN
  ASSERT audit_hold('2031-01-01Z', NULL, 'case 3') = 3, 'holds count on';
  FOREACH statement IN ARRAY ARRAY['DELETE FROM audit_events', 'TRUNCATE audit_events_20250101', 'DROP TABLE audit_events_20250201', 'DROP EXTENSION audit_ext'] LOOP
    BEGIN
      EXECUTE statement;
      ASSERT false, statement || ' is refused';
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
  END LOOP;
END
$$;
CALL audit_maintain();
DO $$
BEGIN
  ASSERT (SELECT last_error IS NULL AND NOT is_behind AND default_events = later_events FROM audit_status), 'maintenance goes on';
  ASSERT (SELECT count(*) = 1 FROM audit_list(event_group => 'in the default partition')), 'and loses nothing';
END
$$;
