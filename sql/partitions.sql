
-------------------------------------------------------------------------------------------------------------------
-- Partitions. The filter index is GIN: one entry a value, and no column costs more than its lists of row addresses.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_gin_text_prefix(text, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_text_prefix(text, internal) IS
'The key of a text in a GIN index: the text itself, of a longer one the first 2048 bytes.';

CREATE FUNCTION @extschema@.audit_gin_text_prefix(
  text, internal, smallint, internal, internal, internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_text_prefix(
  text, internal, smallint, internal, internal, internal, internal) IS
'The same for a value that is looked for.';

CREATE FUNCTION @extschema@.audit_gin_text_bucket(text, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_text_bucket(text, internal) IS
'The key of a text in a GIN index: the number of its bucket.';

CREATE FUNCTION @extschema@.audit_gin_text_bucket(
  text, internal, smallint, internal, internal, internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_text_bucket(
  text, internal, smallint, internal, internal, internal, internal) IS
'The same for a value that is looked for.';

CREATE FUNCTION @extschema@.audit_gin_bigint_bucket(bigint, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_bigint_bucket(bigint, internal) IS
'The key of a bigint in a GIN index: the number of its bucket.';

CREATE FUNCTION @extschema@.audit_gin_bigint_bucket(
  bigint, internal, smallint, internal, internal, internal, internal)
RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_bigint_bucket(
  bigint, internal, smallint, internal, internal, internal, internal) IS
'The same for a value that is looked for.';

CREATE FUNCTION @extschema@.audit_gin_consistent(
  internal, smallint, text, integer, internal, internal, internal, internal) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_consistent(
  internal, smallint, text, integer, internal, internal, internal, internal) IS
'Whether a row may have the value: it has the key, and the row itself must be checked.';

CREATE FUNCTION @extschema@.audit_gin_consistent(
  internal, smallint, bigint, integer, internal, internal, internal, internal) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_gin_consistent(
  internal, smallint, bigint, integer, internal, internal, internal, internal) IS
'Whether a row may have the value: it has the key, and the row itself must be checked.';

-- btree_gin has no room for texts of more than 2,700 bytes, and one entry for each value.
CREATE OPERATOR FAMILY @extschema@.audit_prefix_ops USING gin;
COMMENT ON OPERATOR FAMILY @extschema@.audit_prefix_ops USING gin IS 'GIN over text of any length.';
CREATE OPERATOR CLASS @extschema@.audit_prefix_ops FOR TYPE text USING gin FAMILY @extschema@.audit_prefix_ops AS
  OPERATOR 1 pg_catalog.=,
  FUNCTION 1 pg_catalog.bttextcmp(text, text),
  FUNCTION 2 @extschema@.audit_gin_text_prefix(text, internal),
  FUNCTION 3 @extschema@.audit_gin_text_prefix(text, internal, smallint, internal, internal, internal, internal),
  FUNCTION 4 @extschema@.audit_gin_consistent(
    internal, smallint, text, integer, internal, internal, internal, internal),
  STORAGE text;
COMMENT ON OPERATOR CLASS @extschema@.audit_prefix_ops USING gin IS
'GIN over text of any length: entries hold at most 2048 bytes. Serves the equal sign.';

CREATE OPERATOR FAMILY @extschema@.audit_bucket_ops USING gin;
COMMENT ON OPERATOR FAMILY @extschema@.audit_bucket_ops USING gin IS 'GIN over nearly unique values.';
CREATE OPERATOR CLASS @extschema@.audit_bucket_ops FOR TYPE text USING gin FAMILY @extschema@.audit_bucket_ops AS
  OPERATOR 1 pg_catalog.=,
  FUNCTION 1 pg_catalog.btint4cmp(integer, integer),
  FUNCTION 2 @extschema@.audit_gin_text_bucket(text, internal),
  FUNCTION 3 @extschema@.audit_gin_text_bucket(text, internal, smallint, internal, internal, internal, internal),
  FUNCTION 4 @extschema@.audit_gin_consistent(
    internal, smallint, text, integer, internal, internal, internal, internal),
  STORAGE integer;
COMMENT ON OPERATOR CLASS @extschema@.audit_bucket_ops USING gin IS
'GIN over nearly unique text: entries hold one of 16384 hash values. Serves the equal sign.';
CREATE OPERATOR CLASS @extschema@.audit_bucket_bigint_ops FOR TYPE bigint
  USING gin FAMILY @extschema@.audit_bucket_ops AS
  OPERATOR 1 pg_catalog.=,
  FUNCTION 1 pg_catalog.btint4cmp(integer, integer),
  FUNCTION 2 @extschema@.audit_gin_bigint_bucket(bigint, internal),
  FUNCTION 3 @extschema@.audit_gin_bigint_bucket(bigint, internal, smallint, internal, internal, internal, internal),
  FUNCTION 4 @extschema@.audit_gin_consistent(
    internal, smallint, bigint, integer, internal, internal, internal, internal),
  STORAGE integer;
COMMENT ON OPERATOR CLASS @extschema@.audit_bucket_bigint_ops USING gin IS
'GIN over nearly unique bigint: entries hold one of 16384 hash values. Serves the equal sign.';

CREATE FUNCTION @extschema@.audit_guard_partition(partition regclass) RETURNS void
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_guard_partition IS
'Gives a partition the guards that it does not inherit from audit_events. audit_index_partition() and '
'audit_maintain() call it.';

CREATE FUNCTION @extschema@.audit_index_partition(partition regclass) RETURNS void
LANGUAGE c STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_index_partition IS
'Gives a partition its indexes and its guard against TRUNCATE. The indexes are the primary key (created_at, id), one '
'GIN index over eleven filter columns, and a BRIN index on created_at. With audit_configure(index_ids => true) the '
'GIN index has all 15 filter columns. A partial index covers ids that were not made from created_at. For a partition '
'attached by hand. audit_create_partition() calls it.';

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
