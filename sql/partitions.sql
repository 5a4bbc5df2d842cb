
-------------------------------------------------------------------------------------------------------------------
-- Partitions. The filter index is GIN: one entry a value, and no column costs more than its lists of row addresses.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_guard_partition(partition regclass) RETURNS void
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_partition IS
'Gives a partition the guards that it does not inherit from audit_events. audit_index_partition() and '
'audit_maintain() call it.';

CREATE FUNCTION @extschema@.audit_index_partition(partition regclass) RETURNS void
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_index_partition IS
'Gives a partition its indexes and its guard against TRUNCATE. The indexes are the primary key (created_at, id), one '
'GIN index over the filter columns, and a BRIN index on created_at. A partial index covers ids that were not '
'made from created_at. For a partition attached by hand. audit_create_partition() calls it.';

CREATE TABLE @extschema@.audit_events_default PARTITION OF @extschema@.audit_events DEFAULT;
COMMENT ON TABLE @extschema@.audit_events_default IS 'Events without another partition for their time.';
SELECT @extschema@.audit_index_partition('@extschema@.audit_events_default');

CREATE FUNCTION @extschema@.audit_partition_name(since timestamptz) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT 'audit_events_' || to_char(t,
    CASE WHEN t = date_trunc('day', t) THEN 'YYYYMMDD' ELSE 'YYYYMMDD"t"HH24MISSUS' END)
  FROM (SELECT since AT TIME ZONE 'UTC') s(t);
END;
COMMENT ON FUNCTION @extschema@.audit_partition_name IS 'The name of the partition that begins at that time.';

CREATE FUNCTION @extschema@.audit_create_partition(since timestamptz, until timestamptz) RETURNS regclass
LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_create_partition IS
'Makes the partition of audit_events for since <= created_at < until, with its indexes, and returns it. For the '
'owner of audit_events. Raises 22023 for an empty range. Raises 42P17 if the range overlaps another partition. '
'Raises 23514 if the default partition holds events of the range.';

-- With a fixed style, since bounds come as text: other styles write time zones that can be read in two ways.
CREATE FUNCTION @extschema@.audit_partitions(parent regclass DEFAULT '@extschema@.audit_events')
RETURNS TABLE (partition regclass, since timestamptz, until timestamptz, is_default boolean, bytes bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET timezone = 'UTC'
BEGIN ATOMIC
  SELECT c.oid::regclass,
    CASE WHEN NOT b.is_default
      THEN coalesce(substring(b.bounds FROM $re$FROM \('([^']*)'\)$re$)::timestamptz, '-infinity') END,
    CASE WHEN NOT b.is_default
      THEN coalesce(substring(b.bounds FROM $re$TO \('([^']*)'\)$re$)::timestamptz, 'infinity') END,
    b.is_default, pg_total_relation_size(c.oid)
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
       LATERAL (SELECT e, e = 'DEFAULT' FROM pg_get_expr(c.relpartbound, c.oid) e) b(bounds, is_default)
  WHERE i.inhparent = parent ORDER BY 2 NULLS LAST;
END;
COMMENT ON FUNCTION @extschema@.audit_partitions IS
'The partitions of audit_events, oldest first, the default partition last. Each with its range (since <= created_at '
'< until) and its size in bytes.';
