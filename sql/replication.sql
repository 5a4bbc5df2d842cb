
-------------------------------------------------------------------------------------------------------------------
-- Logical replication: a subscriber makes its own partitions, so changes must come as those of audit_events
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_check_publication() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- From the catalogs: no command may fail for want of a right on this schema, or because the schema was renamed.
  events regclass := (SELECT c.oid FROM pg_extension e JOIN pg_class c ON c.relnamespace = e.extnamespace
                      WHERE e.extname = 'audit_ext' AND c.relname = 'audit_events');
  publication record;
BEGIN
  FOR publication IN
    WITH touched AS (SELECT c.classid, c.objid FROM pg_event_trigger_ddl_commands() c),
    trail AS (
      SELECT r.prpubid AS publication, r.oid, r.prrelid = events AS is_root, 'pg_publication_rel'::regclass AS catalog
      FROM pg_publication_rel r WHERE r.prrelid IN (SELECT t.relid FROM pg_partition_tree(events) t)
      UNION ALL
      SELECT n.pnpubid, n.oid, false, 'pg_publication_namespace'::regclass
      FROM pg_publication_namespace n JOIN pg_class c ON c.relnamespace = n.pnnspid AND c.oid = events
      UNION ALL
      SELECT p.oid, NULL, false, NULL FROM pg_publication p WHERE p.puballtables AND events IS NOT NULL)
    SELECT p.pubname FROM pg_publication p JOIN trail t ON t.publication = p.oid
    GROUP BY p.oid
    HAVING NOT (bool_and(t.is_root) AND p.pubviaroot AND p.pubinsert
                AND NOT p.pubupdate AND NOT p.pubdelete AND NOT p.pubtruncate)
      AND (p.oid IN (SELECT c.objid FROM touched c WHERE c.classid = 'pg_publication'::regclass)
           OR bool_or((t.catalog, t.oid) IN (SELECT c.classid, c.objid FROM touched c)))
  LOOP
    RAISE WARNING 'publication "%" of the audit trail will not go well', publication.pubname USING
      DETAIL = 'Maintenance makes, fills and drops partitions, '
        'which a subscriber has not got, or has made itself: it stops, or misses events.',
      HINT = format('CREATE PUBLICATION ... FOR TABLE %s '
        'WITH (publish = ''insert'', publish_via_partition_root = true).', events);
  END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.audit_check_publication IS
'Event trigger: warns of a publication of audit_events or a partition in any way but FOR TABLE audit_events WITH '
'(publish = ''insert'', publish_via_partition_root = true).';
CREATE EVENT TRIGGER audit_ext_check_publication ON ddl_command_end
WHEN TAG IN ('CREATE PUBLICATION', 'ALTER PUBLICATION') EXECUTE FUNCTION @extschema@.audit_check_publication();
