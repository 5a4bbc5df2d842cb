-- Which engine finds a page, why, and at what cost. It makes no difference to the answer, for any role.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET audit_ext.allow_changes = on;
-- costs are counted: nothing that other tests left, dead rows neither
DROP EXTENSION audit_ext;
CREATE EXTENSION audit_ext;
-- without events about it, which would be counted here
CREATE FUNCTION regress_unrecorded() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER regress_unrecorded BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.event_group = 'audit') EXECUTE FUNCTION regress_unrecorded();
SELECT audit_configure(max_ahead => '100 years');
DROP ROLE IF EXISTS regress_full, regress_columns, regress_almost, regress_none, regress_tenant;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE ROLE regress_full;
CREATE ROLE regress_columns;
CREATE ROLE regress_almost;
CREATE ROLE regress_none;
CREATE ROLE regress_tenant;
SET timezone = 'UTC';
\pset null NULL

-- Engine, reason and number of events of a page; and whether the other engine gives the same bytes.
CREATE FUNCTION how(event_group text DEFAULT NULL, status text DEFAULT NULL, cursor text DEFAULT NULL, since timestamptz DEFAULT NULL,
                    until timestamptz DEFAULT NULL, OUT engine text, OUT reason text, OUT events int, OUT is_same boolean)
LANGUAGE plpgsql AS $$
DECLARE
  setting text := current_setting('audit_ext.engine');
  body text := audit_list_json($1, status => $2, cursor => $3, since => $4, until => $5);
BEGIN
  SELECT max(e.value) FILTER (WHERE name = 'engine'), max(e.value) FILTER (WHERE name = 'reason'), max(e.value) FILTER (WHERE name = 'events')
  INTO engine, reason, events FROM audit_explain($1, status => $2, cursor => $3, since => $4, until => $5) e;
  PERFORM set_config('audit_ext.engine', 'sql', true);
  is_same := body = audit_list_json($1, status => $2, cursor => $3, since => $4, until => $5)::text;
  PERFORM set_config('audit_ext.engine', setting, true);
END $$;

CREATE FUNCTION cost_of(item text, event_group text DEFAULT NULL, status text DEFAULT NULL, cursor text DEFAULT NULL, since timestamptz DEFAULT NULL,
                        until timestamptz DEFAULT NULL) RETURNS int
LANGUAGE sql AS $$ SELECT value::int FROM audit_explain($2, status => $3, cursor => $4, since => $5, until => $6) WHERE name = $1 $$;

-- Moves what was inserted into the posting lists; whether there was anything.
CREATE FUNCTION flush_pending() RETURNS boolean LANGUAGE sql AS $$
  SELECT sum(gin_clean_pending_list(c.oid)) > 0 FROM pg_inherits h JOIN pg_index i ON i.indrelid = h.inhrelid JOIN pg_class c ON c.oid = i.indexrelid
  WHERE h.inhparent = 'audit_events'::regclass AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'gin')
$$;

-- 20,000 events in order, in two partitions; 'rare' is in the older one only, 'odd' and 'even' never meet.
SELECT audit_create_partition('2025-01-01Z', '2025-01-02Z'), audit_create_partition('2025-01-02Z', '2025-01-03Z');
INSERT INTO audit_events (id, created_at, event_group, event_type, status, user_id)
SELECT md5('e' || n)::uuid, '2025-01-01Z'::timestamptz + n * interval '8 s', CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, 't',
       CASE WHEN n % 2 = 1 AND n < 50 THEN 'rare' WHEN n % 2 = 1 THEN 'odd too' ELSE 'ok' END, n
FROM generate_series(1, 20000) n;
SELECT flush_pending();

-- the shape of the answer
SELECT name, value FROM audit_explain() WHERE name IN ('engine', 'reason', 'events', 'has_more', 'partitions_opened');
SELECT array_agg(name) FROM audit_explain();
SELECT * FROM audit_explain(page_size => 0);
SELECT * FROM audit_explain(cursor => 'x');
SHOW audit_ext.engine;
SET audit_ext.engine = 'fastest';
SET audit_ext.no_such_setting = 1;

-- found by posting lists: any filter, any range
SELECT * FROM how();
SELECT * FROM how('even');
SELECT * FROM how('even', 'rare');
SELECT * FROM how('odd', 'rare');
SELECT * FROM how(status => 'rare');
SELECT * FROM how('none');
SELECT * FROM how(since => '2025-01-01 12:00Z', until => '2025-01-01 12:01Z');
SELECT * FROM how('odd', since => '2025-01-03Z');
SELECT * FROM how(since => '2025-01-02Z', until => '2025-01-01Z');
SELECT * FROM how('odd', since => '-infinity', until => 'infinity');
SELECT next_cursor AS middle FROM audit_list('odd', until => '2025-01-01 20:00Z') LIMIT 1 \gset
SELECT * FROM how('odd', until => '2025-01-01 20:00Z', cursor => :'middle');

-- No case examines more than it must. In order: the page and the event behind it; behind a cursor, some rows beside the place where to begin.
SELECT cost_of('heap_tuples_fetched') AS no_filter, cost_of('heap_tuples_fetched', 'odd') AS half,
       cost_of('heap_tuples_fetched', 'odd', 'odd too') AS both, cost_of('heap_tuples_fetched', 'even', 'rare') AS never_meet,
       cost_of('heap_tuples_fetched', 'none') AS absent, cost_of('heap_tuples_fetched', status => 'rare') AS rare;
SELECT cost_of('heap_tuples_fetched', 'odd', cursor => :'middle', until => '2025-01-01 20:00Z') <= 51 + 30 AS cursor,
       cost_of('heap_tuples_fetched', 'odd', until => '2025-01-01 20:00Z') <= 51 + 30 AS until;
-- Two partitions and the default one, where they are needed; an absent value costs a look at each.
SELECT cost_of('partitions_opened') AS newest, cost_of('partitions_opened', 'even', 'rare') AS all, cost_of('partitions_opened', until => '2025-01-02Z') AS older;
SELECT cost_of('index_pages_read', 'none') <= 12 AS absent, cost_of('index_pages_read', 'odd') <= 20 AS common, cost_of('tids_decoded', 'none') AS decoded;

-- Rare events far apart, in order but for one: the blocks that cannot hold newer ones are ruled out, once they are summed up.
SELECT audit_create_partition('2025-01-03Z', '2025-01-04Z');
ALTER INDEX audit_events_20250103_ranges SET (pages_per_range = 8);  -- the rows are small
REINDEX INDEX audit_events_20250103_ranges;
INSERT INTO audit_events (id, created_at, event_group, event_type, status) VALUES (md5('first')::uuid, '2025-01-03 23:59Z', 'even', 'late', 'seldom');
CREATE FUNCTION insert_seconds(first int, last int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit_events (id, created_at, event_group, event_type, status)
  SELECT md5('o' || n)::uuid, '2025-01-03Z'::timestamptz + CASE WHEN n = 70400 THEN 70200 ELSE n END * interval '1 s',
         CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, 't', CASE WHEN n % 200 = 0 THEN 'seldom' ELSE 'ok' END FROM generate_series(first, last) n
$$;
-- The newest of its blocks is as old as the page's last and the one behind it. It comes before them: not a microsecond may be lost.
SELECT insert_seconds(1, 40000);
INSERT INTO audit_events (id, created_at, event_group, event_type, status)
VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff', '2025-01-03 19:30Z', 'even', 'tie', 'seldom');
SELECT insert_seconds(40001, 80000);
SELECT flush_pending();
SELECT * FROM how('even', 'seldom');
SELECT cost_of('keys_walked', 'even', 'seldom') > 9800 AS walked;
SELECT brin_summarize_new_values('audit_events_20250103_ranges') > 50 AS summed_up;
SELECT * FROM how('even', 'seldom');
SELECT event_type FROM audit_list('even', status => 'seldom', page_size => 2);
SELECT event_type, count(*) FROM audit_list('even', status => 'seldom') GROUP BY 1 ORDER BY 1;
SELECT cost_of('block_ranges_read', 'even', 'seldom') > 50 AS ranges, cost_of('keys_walked', 'even', 'seldom') < 5000 AS walked,
       cost_of('heap_tuples_fetched', 'even', 'seldom') <= 51 + 10 AS fetched;
SELECT brin_desummarize_range('audit_events_20250103_ranges', 0);
SELECT * FROM how('even', 'seldom');
-- By `since` too; and a cursor in the middle.
SELECT * FROM how('even', 'seldom', since => '2025-01-03 20:00Z', until => '2025-01-03 23:00Z');
SELECT next_cursor AS middle FROM audit_list('even', status => 'seldom', page_size => 20) LIMIT 1 \gset
SELECT * FROM how('even', 'seldom', cursor => :'middle');
-- Without the index.
DROP INDEX audit_events_20250103_ranges;
SELECT * FROM how('even', 'seldom');
SELECT cost_of('block_ranges_read', 'even', 'seldom') AS ranges;
-- One over something else is no help; one that knows less is.
CREATE INDEX ON audit_events_20250103 USING brin (created_at timestamptz_bloom_ops);
CREATE INDEX ON audit_events_20250103 USING brin (created_at, id);
CREATE INDEX ON audit_events_20250103 USING brin (created_at) WHERE status = 'ok';
SELECT cost_of('block_ranges_read', 'even', 'seldom') AS ranges;
CREATE INDEX ON audit_events_20250103 USING brin (created_at) WITH (pages_per_range = 3);
SELECT * FROM how('even', 'seldom');
SELECT cost_of('block_ranges_read', 'even', 'seldom') > 100 AS ranges;
DROP TABLE audit_events_20250103;

-- A badly ordered partition: still only a part of it, whether the filter is common or rare.
SELECT audit_create_partition('2025-02-01Z', '2025-03-01Z');
INSERT INTO audit_events (id, created_at, event_group, event_type, status)
SELECT md5('s' || n)::uuid, '2025-02-01Z'::timestamptz + (n * 7919 % 20000) * interval '2 min', CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, 't',
       CASE WHEN n % 2000 = 0 THEN 'rare' ELSE 'ok' END FROM generate_series(0, 19999) n;
SELECT flush_pending();
SELECT * FROM how('odd');
SELECT * FROM how('odd', since => '2025-02-20Z', until => '2025-02-21Z');
SELECT * FROM how('even', 'rare', since => '2025-02-01Z');
SELECT cost_of('heap_tuples_fetched', 'odd') < 600 AS common, cost_of('heap_tuples_fetched', 'even', 'rare', since => '2025-02-01Z') AS rare;

-- Late events, events of no partition, and a row that was deleted
INSERT INTO audit_events (id, created_at, event_group, event_type, status)
SELECT md5('l' || n)::uuid, t, 'odd', 'late', 'ok'
FROM unnest('{2030-01-01Z,2025-01-15Z,2024-01-01Z,2025-01-02 00:00:08Z,2025-02-03 00:00:01Z}'::timestamptz[]) WITH ORDINALITY u(t, n);
SELECT * FROM how();
SELECT * FROM how('odd', until => '2025-02-01Z');
SELECT * FROM how('odd', until => '2025-01-02 00:00:09Z');
SELECT left(id::text, 4) AS id, created_at FROM audit_list(event_type => 'late');

-- A pending list: full, flushed in part and wholly. Rows span its pages. A value is nowhere else. NULLs, and a page behind
-- all of it.
SELECT flush_pending();
SELECT cost_of('pending_entries_read', 'odd') AS none_pending;
INSERT INTO audit_events (id, created_at, event_group, event_type, status, vm_id, session_id)
SELECT md5('p' || n)::uuid, '2025-02-28Z'::timestamptz + n % 7 * interval '1 min', CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, 'pending',
       CASE WHEN n % 3 = 0 THEN 'failure' ELSE 'ok' END, CASE WHEN n % 5 > 0 THEN repeat('vm', n % 1000) END, repeat(md5(n::text), 50)
FROM generate_series(1, 200) n;
SELECT * FROM how('odd');
SELECT * FROM how('odd', 'failure');
SELECT * FROM how('odd', 'rare');
SELECT * FROM how('none');
SELECT * FROM how('odd', until => '2025-02-02Z');
SELECT cost_of('pending_entries_read', 'odd') AS one_column, cost_of('pending_entries_read', 'odd', 'rare', since => '2025-02-01Z') AS none_matches,
       cost_of('heap_tuples_fetched', 'odd', until => '2025-02-02Z') <= 600 AS is_bounded;
SELECT count(*) FROM audit_list(event_type => 'pending', page_size => 200);
SELECT count(*) FROM audit_list(event_type => 'pending', vm_id => repeat('vm', 11), session_id => repeat(md5('11'), 50));
SELECT count(*) FROM audit_list(event_type => 'pending', vm_id => repeat('vm', 11), session_id => repeat(md5('12'), 50));
BEGIN;
UPDATE audit_events SET event_type = 'was pending' WHERE event_type = 'pending' AND status = 'failure';
SELECT count(*) FROM audit_list(event_type => 'pending', page_size => 200);
SELECT count(*) FROM audit_list(event_type => 'was pending', page_size => 200);
ROLLBACK;
ALTER INDEX audit_events_20250201_filters SET (gin_pending_list_limit = 64);
INSERT INTO audit_events (id, created_at, event_group, event_type, status)
SELECT md5('q' || n)::uuid, '2025-02-27Z'::timestamptz + n * interval '1 s', 'odd', 'pending', 'failure' FROM generate_series(1, 1000) n;
SELECT * FROM how('odd', 'failure');
SELECT cost_of('pending_entries_read', 'odd') BETWEEN 1 AND 999 AS is_flushed_in_part;
SELECT gin_clean_pending_list('audit_events_20250201_filters') > 0 AS is_cleaned;
SELECT * FROM how('odd', 'failure');
SELECT cost_of('pending_entries_read', 'odd') AS none_pending;
SELECT count(*) FROM audit_list(event_type => 'pending', vm_id => repeat('vm', 11), session_id => repeat(md5('11'), 50));
DELETE FROM audit_events WHERE event_type = 'pending';

-- Rows that the lists have and the page has not: one whose transaction was rolled back, one that was deleted, one that has changed.
BEGIN;
SAVEPOINT before;
INSERT INTO audit_events (created_at, event_group, event_type, status) SELECT '2025-02-27Z', 'odd', 'rolled back', 'fetched' FROM generate_series(1, 3);
ROLLBACK TO before;
INSERT INTO audit_events (created_at, event_group, event_type, status) SELECT '2025-02-27Z', 'odd', 'kept ' || n, 'fetched' FROM generate_series(1, 4) n;
DELETE FROM audit_events WHERE event_type = 'kept 1';
UPDATE audit_events SET status = 'changed' WHERE event_type = 'kept 2';
SELECT flush_pending();
SELECT event_type FROM audit_list('odd', status => 'fetched') ORDER BY 1;
SELECT event_type FROM audit_list('odd', status => 'changed');
SELECT cost_of('heap_tuples_fetched', 'odd', 'fetched') AS fetched;
ROLLBACK;

-- Where SQL must do it: the setting,
SET audit_ext.engine = sql;
SELECT * FROM how('odd');
SET audit_ext.engine = posting;
SELECT engine FROM how('odd');
RESET audit_ext.engine;
-- the transaction,
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM how('odd');
ROLLBACK;
-- partitions: foreign, partitioned, of another access method, without indexes; but only if they are looked at
BEGIN;
CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw;
DO $$ DECLARE columns text := (SELECT string_agg(format('%I %s %s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'NOT NULL' END), ', '
  ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'audit_events'::regclass AND attnum > 0 AND NOT attisdropped); BEGIN
  EXECUTE format('CREATE FOREIGN TABLE foreign_events (%s, CONSTRAINT audit_events_created_at_range %s) SERVER nowhere', columns,
    (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'audit_events'::regclass AND contype = 'c'));
END $$;
DROP TABLE audit_events_20250201;
ALTER TABLE audit_events ATTACH PARTITION foreign_events FOR VALUES FROM ('2025-02-01Z') TO ('2025-03-01Z');
SELECT name, value FROM audit_explain('odd', until => '2025-01-03Z') WHERE name IN ('engine', 'reason');
\set VERBOSITY sqlstate
SELECT * FROM audit_explain('odd'); -- it tries to, but finds no event
\set VERBOSITY default
ROLLBACK;
BEGIN;
DROP TABLE audit_events_20250201;
CREATE TABLE partitioned (LIKE audit_events INCLUDING CONSTRAINTS) PARTITION BY RANGE (created_at);
ALTER TABLE audit_events ATTACH PARTITION partitioned FOR VALUES FROM ('2025-02-01Z') TO ('2025-03-01Z');
SELECT * FROM how('odd');
ROLLBACK;
BEGIN;
CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;
DROP TABLE audit_events_20250201;
CREATE TABLE other_events (LIKE audit_events INCLUDING CONSTRAINTS) USING other;
SELECT audit_index_partition('other_events');
ALTER TABLE audit_events ATTACH PARTITION other_events FOR VALUES FROM ('2025-02-01Z') TO ('2025-03-01Z');
SELECT * FROM how('odd');
ROLLBACK;
BEGIN;
ALTER TABLE audit_events_20250201 DROP CONSTRAINT audit_events_20250201_pkey;
SELECT * FROM how('odd');
ALTER TABLE audit_events_20250201 ADD PRIMARY KEY (id, created_at);
SELECT * FROM how('odd');
ROLLBACK;
BEGIN;
DROP INDEX audit_events_20250201_filters;
SELECT * FROM how('odd');
CREATE INDEX ON audit_events_20250201 USING gin (event_group, event_type, status, user_id, vm_id);
CREATE INDEX ON audit_events_20250201 USING gin (event_group, event_type, status, user_id, vm_id, lower(session_id));
CREATE INDEX ON audit_events_20250201 USING gin (event_group, event_type, status, user_id, vm_id, session_id) WHERE user_id > 0;
CREATE INDEX ON audit_events_20250201 USING gin (event_group COLLATE "C", event_type, status, user_id, vm_id, session_id);
SELECT * FROM how('odd');
-- one that will do, though its columns are in another order
CREATE INDEX ON audit_events_20250201 USING gin (session_id, user_id, status, vm_id, event_group, event_type);
SELECT * FROM how('odd');
SELECT * FROM how('odd', 'rare');
ROLLBACK;
BEGIN;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'audit_events_20250201_filters'::regclass;
SELECT * FROM how('odd');
ROLLBACK;
-- another collation of a column; but not a column that was added, an unlogged partition, or one with its columns elsewhere.
BEGIN;
ALTER TABLE audit_events ALTER COLUMN resource_id TYPE text COLLATE "C";
SELECT * FROM how('odd');
ROLLBACK;
BEGIN;
ALTER TABLE audit_events ADD COLUMN added int DEFAULT 7;
DROP TABLE audit_events_20250201;
CREATE UNLOGGED TABLE by_hand (gone int, LIKE audit_events INCLUDING CONSTRAINTS);
ALTER TABLE by_hand DROP COLUMN gone;
SELECT audit_index_partition('by_hand');
ALTER TABLE audit_events ATTACH PARTITION by_hand FOR VALUES FROM ('2025-02-01Z') TO ('2025-03-01Z');
INSERT INTO audit_events (created_at, event_group, event_type, user_id, event_payload) VALUES ('2025-02-02Z', 'odd', 'by hand', 1, '{"a": 1}');
SELECT * FROM how('odd');
SELECT event_type, user_id, event_payload FROM audit_list('odd') LIMIT 2;
ROLLBACK;

-- Rights: the same answer or error as SQL. All columns will do, one less will not.
GRANT EXECUTE ON FUNCTION audit_list_json, audit_explain TO regress_full, regress_columns, regress_almost, regress_none, regress_tenant;
GRANT SELECT ON audit_events TO regress_full, regress_tenant;
DO $$ DECLARE columns text := (SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = 'audit_events'::regclass AND attnum > 0 AND NOT attisdropped); BEGIN
  EXECUTE format('GRANT SELECT (%s) ON audit_events TO regress_columns', columns);
  EXECUTE format('GRANT SELECT (%s) ON audit_events TO regress_almost', replace(columns, ', error_message', ''));
END $$;
SET ROLE regress_full;
SELECT * FROM how('odd');
SET ROLE regress_columns;
SELECT * FROM how('odd');
SET ROLE regress_almost;
SELECT audit_list_json('odd');
SET audit_ext.engine = sql;
SELECT audit_list_json('odd');
RESET audit_ext.engine;
SET ROLE regress_none;
SELECT audit_list_json('odd');
SELECT * FROM audit_explain();
RESET ROLE;
-- Policies: SQL for those whom they concern, not for the owner, unless forced.
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON audit_events FOR SELECT TO regress_tenant USING (event_group = 'even' AND user_id < 10);
SET ROLE regress_tenant;
SELECT * FROM how();
SELECT * FROM how('odd');
SET ROLE regress_full;
SELECT * FROM how();
RESET ROLE;
SELECT * FROM how('odd');
SET row_security = off;
SELECT engine FROM how('odd');
SET ROLE regress_tenant;
SELECT audit_list_json('odd');
RESET ROLE;
RESET row_security;
DROP POLICY own ON audit_events;
ALTER TABLE audit_events DISABLE ROW LEVEL SECURITY;

-- Rows of one's own open transaction, of one that was rolled back, and of a cursor that was opened before.
BEGIN;
DECLARE before CURSOR FOR SELECT name, value FROM audit_explain('own') WHERE name IN ('engine', 'events');
INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2025-01-01 12:00Z', 'own', 't');
FETCH ALL FROM before;
SAVEPOINT one;
INSERT INTO audit_events (created_at, event_group, event_type) VALUES ('2025-01-01 12:01Z', 'own', 't');
SELECT engine, events FROM how('own');
ROLLBACK TO one;
SELECT engine, events FROM how('own');
ROLLBACK;
SELECT engine, events FROM how('own');

DROP FUNCTION how, cost_of, flush_pending;
DROP EXTENSION audit_ext;
DROP FUNCTION regress_unrecorded;
CREATE EXTENSION audit_ext;
DROP OWNED BY regress_full, regress_columns, regress_almost, regress_none, regress_tenant;
DROP ROLE regress_full, regress_columns, regress_almost, regress_none, regress_tenant;
DROP EXTENSION postgres_fdw;
