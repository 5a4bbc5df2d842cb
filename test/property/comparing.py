# Compares what both engines answer: the same bytes, page after page. For test_engines.py and test/foreign.
import json

from changing_events import random_filters

# Walks, each a page and some that follow it, compared in the server: so a comparison costs little more than its pages.
COMPARE = """
CREATE FUNCTION compare_walks(walks json, OUT pages int, OUT by_posting int, OUT mixed int, OUT events bigint, OUT block_ranges bigint, OUT different json)
LANGUAGE plpgsql AS $$
DECLARE
  w record;
  position text;
  answer text;
  reference text;
BEGIN
  pages := 0; by_posting := 0; mixed := 0; events := 0; block_ranges := 0;
  FOR w IN SELECT * FROM json_to_recordset(walks) AS (event_group text, event_type text, status text, user_id bigint, vm_id text,
             session_id text, page_size int, since timestamptz, until timestamptz, page_count int, actor_type text, actor_id text, source text,
             resource_type text, ip_address inet, resource_id text, request_id text, correlation_id text, task_id bigint) LOOP
    position := NULL;
    FOR n IN 1 .. w.page_count LOOP
      PERFORM set_config('audit_ext.engine', 'sql', true);
      reference := audit_list_json(w.event_group, w.event_type, w.status, w.user_id, w.vm_id, w.session_id, position, w.page_size, w.since, w.until,
        w.actor_type, w.actor_id, w.source, w.resource_type, w.ip_address, w.resource_id, w.request_id, w.correlation_id, w.task_id);
      PERFORM set_config('audit_ext.engine', 'posting', true);
      answer := audit_list_json(w.event_group, w.event_type, w.status, w.user_id, w.vm_id, w.session_id, position, w.page_size, w.since, w.until,
        w.actor_type, w.actor_id, w.source, w.resource_type, w.ip_address, w.resource_id, w.request_id, w.correlation_id, w.task_id);
      IF answer IS DISTINCT FROM reference THEN
        different := json_build_object('walk', w, 'cursor', position);
        RETURN;
      END IF;
      SELECT by_posting + (max(e.value) FILTER (WHERE e.name = 'engine') = 'posting')::int,
             mixed + (max(e.value) FILTER (WHERE e.name = 'engine') = 'mixed')::int,
             events + max(e.value) FILTER (WHERE e.name = 'events')::int,
             block_ranges + max(e.value) FILTER (WHERE e.name = 'block_ranges_read')::int INTO by_posting, mixed, events, block_ranges
      FROM audit_explain(w.event_group, w.event_type, w.status, w.user_id, w.vm_id, w.session_id, position, w.page_size, w.since, w.until,
        w.actor_type, w.actor_id, w.source, w.resource_type, w.ip_address, w.resource_id, w.request_id, w.correlation_id, w.task_id) e;
      pages := pages + 1;
      position := answer::json ->> 'next_cursor';
      EXIT WHEN position IS NULL;
    END LOOP;
  END LOOP;
END $$;
"""


class Comparer:
    """Compares pages and counts."""

    def __init__(self, random_, seed):
        self._random = random_
        self._seed = seed
        self.pages = self.by_posting = self.mixed = self.events = self.block_ranges = 0

    def compare(self, session, page_counts):
        """A walk of so many pages each, if there are as many."""
        walks = [{**random_filters(self._random), "page_size": self._random.choice((1, 2, 7, 50, 50, 199, 200)), "page_count": count}
                 for count in page_counts]
        session.execute("SELECT * FROM compare_walks(%s)", (json.dumps(walks),))
        pages, by_posting, mixed, events, block_ranges, different = session.fetchone()
        assert different is None, (self._seed, self.pages + pages, different)
        self.pages += pages
        self.by_posting += by_posting
        self.mixed += mixed
        self.events += events
        self.block_ranges += block_ranges

    def __str__(self):
        return (f"{self.pages} pages compared: {self.by_posting} answered by posting lists, {self.mixed} by these and SQL, "
                f"{self.pages - self.by_posting - self.mixed} by SQL; {self.events} events; {self.block_ranges} ranges of blocks")
