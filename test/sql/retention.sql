-- Partitions made ahead, events moved out of the default partition, old months dropped, holds; bad input first.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'SQL, DMY';  -- finds code that reads bounds as text in the session's style
\pset null NULL
SELECT audit_configure(partition_every => 'year');
SELECT audit_configure(partition_every => NULL);
SELECT audit_configure(keep => '29 days');
SELECT audit_configure(partition_every => 'week', keep => '-1 week');
SELECT audit_configure(partition_every => 'day', keep => '23 hours');
SELECT audit_configure(premake => 0);
SELECT audit_configure(premake => 367);
SELECT audit_configure(keep => 'soon');
SELECT audit_configure(max_ahead => '59 seconds');
SELECT audit_configure(max_ahead => NULL);
SELECT audit_hold('2025-01-02Z', '2025-01-01Z', 'case 1');
SELECT audit_hold(NULL, NULL, '');
SELECT audit_release(17);
SELECT audit_release(NULL);
RESET client_min_messages;  -- maintenance says nothing to who runs it
BEGIN;
CALL audit_maintain();
ROLLBACK;
SELECT count(*) AS partitions FROM audit_partitions();
-- only a role that it was granted to
CREATE ROLE regress_maintainer;
SET ROLE regress_maintainer;
CALL audit_maintain();
SELECT * FROM audit_status;
SELECT audit_configure();
SELECT audit_run_step('drop_expired');
RESET ROLE;
-- nothing was asked for: months for ever, three ahead, and nothing is behind before the first run
SELECT partition_every, keep, premake, last_run, partitions, oldest_event, next_missing = date_trunc('month', now()) AS this_month_is_missing, is_behind FROM audit_status;
-- a schedule's own role is enough
SELECT audit_grant_maintainer('regress_maintainer');
SET ROLE regress_maintainer;
SELECT audit_configure(keep => '1 year');
CALL audit_maintain();
SELECT partitions, next_missing, last_error, last_run IS NOT NULL AS ran, is_behind FROM audit_status;
CALL audit_maintain();
SELECT partitions FROM audit_status;
RESET ROLE;
SELECT count(*), min(since) = date_trunc('month', now()) AS from_this_month, max(until) = date_trunc('month', now()) + interval '4 months' AS three_ahead,
  bool_and(until = since + interval '1 month') AS whole_months FROM audit_partitions() WHERE NOT is_default;
-- events without a partition, also of unlikely times
SELECT audit_configure(max_ahead => '8000 years');
CREATE TEMP TABLE expected AS
SELECT md5(i::text)::uuid AS id, CASE WHEN i < 5 THEN timestamptz '1999-12-31 23:59:59.999997Z' + i * interval '1 microsecond'
  WHEN i < 10 THEN timestamptz '9999-12-31Z' ELSE now() - interval '5 months' - i * interval '1 hour' END AS created_at FROM generate_series(1, 2000) i;
INSERT INTO audit_events (id, created_at, event_group, event_type, vm_id) SELECT id, created_at, 'moved', 't', 'vm-1' FROM expected;
SELECT default_events, later_events, is_behind FROM audit_status;
CALL audit_maintain();
-- what is later than the partitions made ahead stays, and holds up no other event
SELECT default_events, later_events, last_error, is_behind FROM audit_status;
SELECT count(*) AS lost FROM expected e WHERE NOT EXISTS (SELECT FROM audit_events a WHERE a.id = e.id AND a.created_at = e.created_at AND a.vm_id = 'vm-1');
SELECT count(*) AS events, count(DISTINCT id) AS different FROM audit_events WHERE event_group = 'moved';
SELECT value FROM audit_explain('moved') WHERE name = 'engine';
SELECT partition, since, until FROM audit_partitions() WHERE since < '2001-01-01' OR since > now() + interval '1 year';
SELECT to_regclass('audit_events_move'), (SELECT count(*) FROM pg_trigger WHERE tgname = 'audit_mirror') AS mirrors,
  (SELECT count(*) FROM pg_constraint WHERE conname = 'audit_move_range') AS range_checks;
-- every partition is complete and guarded
SELECT p.partition FROM audit_partitions() p
WHERE (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = p.partition AND tgname LIKE 'audit_guard%' AND tgenabled = 'A') <> 2
   OR (SELECT count(*) FROM pg_index i WHERE i.indrelid = p.partition) <> 4;
-- partitions made by hand over part of a range; and one whose name is taken
DROP TABLE audit_events_19991201, audit_events_20000101;  -- refused: they hold events
SELECT audit_create_partition('1990-01-10Z', '1990-01-20Z');
INSERT INTO audit_events (created_at, event_group, event_type) SELECT timestamptz '1990-01-01Z' + i * interval '1 day', 'by hand', 't' FROM generate_series(0, 30) i;
CALL audit_maintain();
SELECT partition, since, until FROM audit_partitions() WHERE since < '1995-01-01';
-- and nothing waits in the pending lists of what is past
SELECT name, value FROM audit_explain('by hand', until => '2000-01-01Z') WHERE name IN ('events', 'pending_entries_read');
CREATE TABLE audit_events_19800101 (x int);
INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('1980-01-01Z', 'in the way', 't');
\set VERBOSITY terse
CALL audit_maintain();
\set VERBOSITY default
SELECT last_error, default_events, is_behind FROM audit_status;
DROP TABLE audit_events_19800101;
CALL audit_maintain();
SELECT last_error, default_events, is_behind FROM audit_status;
-- retention: whole partitions, never what a hold protects, and every drop is recorded
SELECT audit_hold('1990-01-15Z', '1990-01-16Z', 'case 1') AS id \gset
SELECT audit_hold('9000-01-01Z', NULL, 'case 2') > :id AS another;
SELECT audit_configure(keep => '10 years');
SELECT expired_partitions, holds, is_behind FROM audit_status;
CALL audit_maintain();
SELECT partition FROM audit_partitions() WHERE since < '2001-01-01';
SELECT audit_release(:id);
SELECT audit_release(:id);
CALL audit_maintain();
SELECT partition FROM audit_partitions() WHERE since < '2001-01-01';
SELECT event_type, resource_type, resource_id, event_payload FROM audit_events WHERE event_group = 'audit' AND event_type <> 'audit.changed' ORDER BY created_at, id;
SELECT reason, held_by = session_user AS held_by_me, released_by = session_user AS released_by_me, released_at IS NOT NULL AS released FROM audit_holds ORDER BY id;
SELECT expired_partitions, holds, is_behind FROM audit_status;
-- weeks and days begin where the months end
SELECT audit_configure('week', NULL, 30);
CALL audit_maintain();
SELECT bool_and(extract(isodow FROM since) = 1 OR extract(day FROM since) = 1) AS from_monday, bool_and(until - since <= '7 days') AS a_week
FROM audit_partitions() WHERE since >= date_trunc('month', now()) + interval '4 months' AND since < '3000-01-01';
SELECT count(*) AS overlaps FROM audit_partitions() a, audit_partitions() b WHERE a.since < b.since AND a.until > b.since;
-- a move that was cut off is taken up, with what came meanwhile
INSERT INTO audit_events (created_at, event_group, event_type) SELECT timestamptz '2022-01-01Z' + i * interval '1 hour', 'cut off', 't' FROM generate_series(1, 300) i;
SELECT audit_run_step('move_begin');
SELECT audit_run_step('move_copy');
INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2022-01-02 00:30Z', 'cut off', 't'), ('2022-03-03Z', 'cut off', 'elsewhere');
SELECT count(*) FROM audit_events WHERE event_group = 'cut off';
CALL audit_maintain();
SELECT tableoid::regclass, count(*) FROM audit_events WHERE event_group = 'cut off' GROUP BY 1 ORDER BY tableoid::regclass::text;
SELECT last_error, default_events FROM audit_status;
-- and so is one for which a partition was made by hand meanwhile
INSERT INTO audit_events (created_at, event_group, event_type) SELECT timestamptz '2021-05-01Z' + i * interval '1 hour', 'in between', 't' FROM generate_series(1, 200) i;
SELECT audit_run_step('move_begin');
SELECT audit_create_partition('2021-05-09 12:00Z', '2021-05-10Z');
CALL audit_maintain();
SELECT partition FROM audit_partitions() WHERE since >= '2021-05-01Z' AND until <= '2021-06-01Z';
SELECT tableoid::regclass, count(*) FROM audit_events WHERE event_group = 'in between' GROUP BY 1 ORDER BY tableoid::regclass::text;
SELECT last_error, default_events FROM audit_status;
DROP OWNED BY regress_maintainer;
DROP ROLE regress_maintainer;
SET audit_ext.allow_changes = on;
DROP EXTENSION audit_ext;
CREATE EXTENSION audit_ext;
