-- Keyset paging: every event once, newest first, whatever the page size, ties and partitions.
SET timezone = 'UTC';
BEGIN;
SELECT audit_create_partition('2025-01-01Z', '2025-01-02Z'), audit_create_partition('2025-01-02Z', '2025-01-02 12:00Z');
-- 300 events over two partitions and the default one; five share each moment
INSERT INTO audit_events (id, created_at, event_group, event_type)
SELECT md5(i::text)::uuid, timestamptz '2025-01-01Z' + i / 5 * interval '1 hour', 'g' || i % 3, 't' FROM generate_series(0, 299) i;
SELECT tableoid::regclass, count(*) FROM audit_events GROUP BY 1 ORDER BY tableoid::regclass::text COLLATE "C";

CREATE FUNCTION pg_temp.walk(page_size int, event_group text DEFAULT NULL) RETURNS TABLE (page int, id uuid)
LANGUAGE plpgsql AS $$
DECLARE
  position text;
  events record;
BEGIN
  page := 0;
  LOOP
    page := page + 1;
    SELECT array_agg(l.id) AS ids, min(l.next_cursor) AS next_cursor, count(DISTINCT l.next_cursor) AS cursors INTO events
    FROM audit_list(event_group => walk.event_group, page_size => walk.page_size, cursor => position) l;
    ASSERT events.cursors <= 1, 'one cursor a page';
    ASSERT events.next_cursor IS NULL OR cardinality(events.ids) = page_size, 'only the last page is short';
    ASSERT page = 1 OR events.ids IS NOT NULL, 'no empty page behind a cursor';
    RETURN QUERY SELECT walk.page, i FROM unnest(events.ids) i;
    position := events.next_cursor;
    EXIT WHEN position IS NULL;
  END LOOP;
END
$$;

SELECT s.page_size, max(w.page) AS pages, count(*) AS events, count(DISTINCT w.id) AS distinct_events,
       array_agg(w.id ORDER BY w.n) = (SELECT array_agg(id ORDER BY created_at DESC, id DESC) FROM audit_events) AS in_order
FROM (VALUES (1), (7), (50), (100), (199), (200)) s(page_size), LATERAL (SELECT *, row_number() OVER () AS n FROM pg_temp.walk(s.page_size)) w
GROUP BY 1 ORDER BY 1;
SELECT max(page) AS pages, count(DISTINCT id) AS events FROM pg_temp.walk(25, 'g1');

-- the page size may change between pages, the filters may not
SELECT min(next_cursor) AS position FROM audit_list(page_size => 10) \gset
SELECT count(*) FROM audit_list(cursor => :'position', page_size => 200);
-- the same data, the same arguments: the same cursor
SELECT min(next_cursor) = :'position' AS same FROM audit_list(page_size => 10);
SELECT :'position' AS cursor_is_deterministic;
-- an exact multiple of the page size ends without an empty page
SELECT count(*), max(next_cursor) IS NULL AS is_last FROM audit_list(page_size => 100, event_group => 'g0');
-- events that came later do not disturb a walk; those before the position are found
INSERT INTO audit_events (id, created_at, event_group, event_type) VALUES
  ('00000000-0000-0000-0000-00000000000a', '2026-01-01Z', 'late', 't'), ('00000000-0000-0000-0000-00000000000b', '2024-12-31Z', 'early', 't');
SELECT count(*) FILTER (WHERE event_group = 'late') AS late, count(*) FILTER (WHERE event_group = 'early') AS early
FROM audit_list(cursor => :'position', page_size => 200) p1
FULL JOIN audit_list(cursor => (SELECT min(next_cursor) FROM audit_list(cursor => :'position', page_size => 200)), page_size => 200) p2 USING (id, event_group);
ROLLBACK;
