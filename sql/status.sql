
-------------------------------------------------------------------------------------------------------------------
-- The status: which partitions are there, which are missing, and which have expired. These functions are bound to what
-- they call when they are created (BEGIN ATOMIC). Neither another function of the same name nor a renamed schema leads
-- them elsewhere.
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_period_start(moment timestamptz, ahead integer) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT (date_trunc(c.partition_every, moment AT TIME ZONE 'UTC') + ahead * ('1 ' || c.partition_every)::interval)
         AT TIME ZONE 'UTC'
  FROM @extschema@.audit_effective_configuration() c;
END;
COMMENT ON FUNCTION @extschema@.audit_period_start IS
'The beginning of the month, week or day (partition_every) that holds the moment, or of one that many periods ahead.';

CREATE FUNCTION @extschema@.audit_made_until() RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT @extschema@.audit_period_start(now(), c.premake + 1) FROM @extschema@.audit_effective_configuration() c;
END;
COMMENT ON FUNCTION @extschema@.audit_made_until IS
'The end of the partitions that audit_maintain() makes. Later events stay in the default partition.';

CREATE FUNCTION @extschema@.audit_gaps(since timestamptz, until timestamptz) RETURNS SETOF tstzrange
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT unnest(tstzmultirange(tstzrange($1, $2)) - coalesce(range_agg(tstzrange(p.since, p.until)), '{}'))
  FROM @extschema@.audit_partitions('@extschema@.audit_events'::regclass) p WHERE NOT p.is_default;
END;
COMMENT ON FUNCTION @extschema@.audit_gaps IS 'The parts of that time without a partition.';

CREATE FUNCTION @extschema@.audit_gap_bounds(since timestamptz, until timestamptz) RETURNS timestamptz[]
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(array_agg(b.bound ORDER BY b.bound), '{}')
  FROM @extschema@.audit_gaps($1, $2) g, LATERAL (VALUES (lower(g)), (upper(g))) b(bound);
END;
COMMENT ON FUNCTION @extschema@.audit_gap_bounds IS 'audit_gaps() as pairs of since and until, for C++.';

CREATE FUNCTION @extschema@.audit_due_partitions() RETURNS SETOF tstzrange
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT g FROM @extschema@.audit_effective_configuration() c, generate_series(0, c.premake) n,
    @extschema@.audit_gaps(@extschema@.audit_period_start(now(), n), @extschema@.audit_period_start(now(), n + 1)) g
  ORDER BY n, g;
END;
COMMENT ON FUNCTION @extschema@.audit_due_partitions IS
'The missing partitions among the current one and those to be made ahead.';

CREATE FUNCTION @extschema@.audit_due_bounds() RETURNS timestamptz[]
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce(array_agg(b.bound ORDER BY b.bound), '{}')
  FROM @extschema@.audit_due_partitions() d, LATERAL (VALUES (lower(d)), (upper(d))) b(bound);
END;
COMMENT ON FUNCTION @extschema@.audit_due_bounds IS 'audit_due_partitions() as pairs of since and until, for C++.';

CREATE FUNCTION @extschema@.audit_expired_partitions() RETURNS SETOF regclass
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT p.partition
  FROM @extschema@.audit_partitions('@extschema@.audit_events'::regclass) p,
    @extschema@.audit_effective_configuration() c, pg_class t
  WHERE p.until <= (now() AT TIME ZONE 'UTC' - c.keep) AT TIME ZONE 'UTC'
    AND @extschema@.audit_count_holds(p.since, p.until) = 0 AND t.oid = p.partition
  ORDER BY t.relkind = 'f', p.since;
END;
COMMENT ON FUNCTION @extschema@.audit_expired_partitions IS
'The partitions whose events are all older than keep, and which no hold protects. Foreign ones come last, since their '
'servers may have to be waited for.';

CREATE FUNCTION @extschema@.audit_next_expired() RETURNS oid
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT coalesce((SELECT e::oid FROM @extschema@.audit_expired_partitions() e LIMIT 1), 0::oid);
END;
COMMENT ON FUNCTION @extschema@.audit_next_expired IS 'The oldest of audit_expired_partitions(); 0: there is none.';

CREATE FUNCTION @extschema@.audit_count_default_events(since timestamptz) RETURNS bigint
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_count_default_events IS
'How many events the default partition has from that time on, counted up to 1000.';

CREATE FUNCTION @extschema@.audit_oldest_default_event() RETURNS timestamptz
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_oldest_default_event IS
'created_at of the oldest event of the default partition.';

CREATE FUNCTION @extschema@.audit_oldest_event() RETURNS timestamptz
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_oldest_event IS
'created_at of the oldest event, looked up with the rights of the owner of audit_events. NULL: there is none, or, with '
'a warning, the server of a foreign partition does not answer.';

CREATE TABLE @extschema@.audit_maintenance (
  began_at       timestamptz NOT NULL,
  succeeded_at   timestamptz,
  error          text,
  is_maintenance boolean     NOT NULL DEFAULT true,
  CONSTRAINT audit_maintenance_pkey PRIMARY KEY (is_maintenance),
  CONSTRAINT audit_maintenance_one_row CHECK (is_maintenance)
);
COMMENT ON TABLE @extschema@.audit_maintenance IS
'The last run of audit_maintain(); audit_status shows it. Not dumped.';
COMMENT ON COLUMN @extschema@.audit_maintenance.began_at IS 'When the last run began.';
COMMENT ON COLUMN @extschema@.audit_maintenance.succeeded_at IS 'When a run last ended without an error.';
COMMENT ON COLUMN @extschema@.audit_maintenance.error IS 'What the last run could not do; NULL: nothing.';
COMMENT ON COLUMN @extschema@.audit_maintenance.is_maintenance IS 'Always true, so that there is at most one row.';

CREATE FUNCTION @extschema@.audit_last_run(OUT began_at timestamptz, OUT succeeded_at timestamptz, OUT error text)
LANGUAGE c STABLE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_last_run IS 'The row of audit_maintenance, or NULLs.';

CREATE FUNCTION @extschema@.audit_is_preloaded() RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT bool_or(trim(both ' "' FROM l) IN ('audit_ext', '$libdir/audit_ext'))
  FROM regexp_split_to_table(current_setting('shared_preload_libraries') || ','
                             || current_setting('session_preload_libraries'), ',') l;
END;
COMMENT ON FUNCTION @extschema@.audit_is_preloaded IS
'Whether the server, or the settings of this session, load the library into every session.';

CREATE FUNCTION @extschema@.audit_guard_gaps() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT string_agg(g.gap, '; ' ORDER BY g.gap)
  FROM (SELECT 'event trigger ' || e.evtname || ' does not always fire' FROM pg_event_trigger e
        WHERE e.evtenabled <> 'A' AND e.evtfoid IN ('@extschema@.audit_guard_command()'::regprocedure,
          '@extschema@.audit_guard_rewrite()'::regprocedure, '@extschema@.audit_record_command()'::regprocedure)
        UNION ALL
        SELECT t.relid::regclass::text || ' has no guards'
        FROM pg_partition_tree('@extschema@.audit_events'::regclass) t
        JOIN pg_class c ON c.oid = t.relid AND c.relkind <> 'f'
        WHERE (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = t.relid AND g.tgenabled = 'A'
               AND g.tgfoid = '@extschema@.audit_guard()'::regprocedure) < 2
        UNION ALL
        SELECT 'not preloaded: a session that has only emptied a table or altered an event trigger is not guarded'
        WHERE NOT @extschema@.audit_is_preloaded()) g(gap);
END;
COMMENT ON FUNCTION @extschema@.audit_guard_gaps IS 'What the append-only guards do not cover. NULL: no gap.';

CREATE FUNCTION @extschema@.audit_read_status()
RETURNS TABLE (
  partition_every text, keep interval, premake integer, last_run timestamptz, last_success timestamptz,
  last_error text, partitions bigint, oldest_event timestamptz, next_missing timestamptz, expired_partitions bigint,
  default_events bigint, holds bigint, bytes numeric, is_behind boolean, max_ahead interval, later_events bigint,
  is_preloaded boolean, guard_gaps text)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT s.partition_every, s.keep, s.premake, s.last_run, s.last_success, s.last_error, s.partitions, s.oldest_event,
    s.next_missing, s.expired_partitions, s.default_events, s.holds, s.bytes,
    coalesce(s.last_run IS NOT NULL AND (
      s.last_error IS NOT NULL OR s.next_missing IS NOT NULL OR s.expired_partitions > 0
      OR @extschema@.audit_oldest_default_event() < s.made_until), false),
    s.max_ahead, @extschema@.audit_count_default_events(s.made_until),
    @extschema@.audit_is_preloaded(), @extschema@.audit_guard_gaps()
  FROM (
    SELECT c.partition_every, c.keep, c.premake, c.max_ahead, m.began_at, m.succeeded_at, m.error, p.partitions,
      @extschema@.audit_oldest_event(), (SELECT min(lower(d)) FROM @extschema@.audit_due_partitions() d),
      (SELECT count(*) FROM @extschema@.audit_expired_partitions()),
      @extschema@.audit_count_default_events('-infinity'),
      @extschema@.audit_count_holds(NULL, NULL), p.bytes, @extschema@.audit_made_until()
    FROM @extschema@.audit_effective_configuration() c, @extschema@.audit_last_run() m,
      (SELECT count(*), sum(a.bytes) FROM @extschema@.audit_partitions('@extschema@.audit_events'::regclass) a)
        p(partitions, bytes)
  ) s(partition_every, keep, premake, max_ahead, last_run, last_success, last_error, partitions, oldest_event,
      next_missing, expired_partitions, default_events, holds, bytes, made_until);
END;
COMMENT ON FUNCTION @extschema@.audit_read_status IS 'The row of audit_status.';

CREATE VIEW @extschema@.audit_status AS SELECT * FROM @extschema@.audit_read_status();
COMMENT ON VIEW @extschema@.audit_status IS
'The state of partitions and retention: one row. For people, checks and metrics.';
COMMENT ON COLUMN @extschema@.audit_status.partition_every IS 'As configured: month, week or day.';
COMMENT ON COLUMN @extschema@.audit_status.keep IS 'As configured: how long events are kept; NULL: for ever.';
COMMENT ON COLUMN @extschema@.audit_status.premake IS 'As configured: partitions made ahead.';
COMMENT ON COLUMN @extschema@.audit_status.last_run IS 'When audit_maintain() last began; NULL: never.';
COMMENT ON COLUMN @extschema@.audit_status.last_success IS 'When a run last did all that was due.';
COMMENT ON COLUMN @extschema@.audit_status.last_error IS 'What its last run could not do, and why; NULL: nothing.';
COMMENT ON COLUMN @extschema@.audit_status.partitions IS 'How many partitions there are, with the default partition.';
COMMENT ON COLUMN @extschema@.audit_status.oldest_event IS
'created_at of the oldest event. NULL: there is none, or the server of a foreign partition does not answer.';
COMMENT ON COLUMN @extschema@.audit_status.next_missing IS 'From when on a partition is missing. NULL: none.';
COMMENT ON COLUMN @extschema@.audit_status.expired_partitions IS
'Partitions that the next run will drop: a foreign one once its server has no events of it.';
COMMENT ON COLUMN @extschema@.audit_status.default_events IS 'Events in the default partition, counted up to 1000.';
COMMENT ON COLUMN @extschema@.audit_status.holds IS 'Legal holds in force.';
COMMENT ON COLUMN @extschema@.audit_status.bytes IS
'Size of all partitions with their indexes on this server: foreign ones count as 0.';
COMMENT ON COLUMN @extschema@.audit_status.is_behind IS
'Whether maintenance should have done work that is not done. false if it has never run.';
COMMENT ON COLUMN @extschema@.audit_status.max_ahead IS 'As configured: how far ahead of the clock a new event may be.';
COMMENT ON COLUMN @extschema@.audit_status.later_events IS
'Events of default_events later than the partitions made ahead, counted up to 1000. They stay until their time comes '
'nearer.';
COMMENT ON COLUMN @extschema@.audit_status.is_preloaded IS
'Whether every session loads the library that guards the trail, by shared_preload_libraries or '
'session_preload_libraries.';
COMMENT ON COLUMN @extschema@.audit_status.guard_gaps IS
'What the append-only guards do not cover, such as a partition without triggers. NULL: no gap.';
