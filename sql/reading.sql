
-------------------------------------------------------------------------------------------------------------------
-- Reading
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_list(
  event_group text DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, user_id bigint DEFAULT NULL,
  vm_id text DEFAULT NULL, session_id text DEFAULT NULL, cursor text DEFAULT NULL, page_size integer DEFAULT 50,
  since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, actor_type text DEFAULT NULL,
  actor_id text DEFAULT NULL, source text DEFAULT NULL, resource_type text DEFAULT NULL,
  ip_address inet DEFAULT NULL, resource_id text DEFAULT NULL, request_id text DEFAULT NULL,
  correlation_id text DEFAULT NULL, task_id bigint DEFAULT NULL, filter text DEFAULT NULL)
RETURNS TABLE (
  id uuid, created_at timestamptz, user_id bigint, actor_type text, actor_id text, source text, event_group text,
  event_type text, status text, resource_type text, resource_id text, session_id text, vm_id text, task_id bigint,
  request_id text, correlation_id text, http_method text, path text, http_status integer,
  latency_ms double precision, ip_address inet, user_agent text, node_ip inet, worker_id text, event_payload jsonb,
  error_message text, next_cursor text)
LANGUAGE c STABLE PARALLEL SAFE ROWS 50 COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_list IS
'One page of events, newest first (created_at DESC, id DESC). Every argument is optional; NULL means not given. '
'event_group, event_type, status, user_id, vm_id, session_id, actor_type, actor_id, source, resource_type, '
'resource_id, request_id, correlation_id, task_id: exact match. ip_address: that address, or any within that network '
'(10.0.0.0/8). since (inclusive), until (exclusive): bounds of created_at. page_size: 1 to 200. cursor: next_cursor '
'of the page before, with the same filters. filter: conditions in the grammar of SCIM (RFC 7644, section 3.4.2.2), '
'such as event_type sw "vm." and not (status eq "success" or event_payload.region pr). It names any of the 26 '
'columns, and paths into event_payload. It has at most 4096 bytes, 64 terms and 16 nested parentheses. '
'next_cursor is the same in all rows of a page, NULL on the last page. Runs with the caller''s rights; row-level '
'security applies. Raises 22023 for a wrong page_size or cursor (constraint name page_size, cursor_invalid or '
'cursor_mismatch). Raises it also for an ip_address with bits behind the prefix, such as 10.0.0.1/8 (ip_address), '
'and for an invalid filter (filter_invalid). Raises 54000 where the filter has more than audit_ext.filter_rows_max '
'events to check for one page (filter_rows_max). Raises 40001 if the transaction''s snapshot may miss events that were '
'moved between partitions.';

CREATE FUNCTION @extschema@.audit_list_json(
  event_group text DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, user_id bigint DEFAULT NULL,
  vm_id text DEFAULT NULL, session_id text DEFAULT NULL, cursor text DEFAULT NULL, page_size integer DEFAULT 50,
  since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, actor_type text DEFAULT NULL,
  actor_id text DEFAULT NULL, source text DEFAULT NULL, resource_type text DEFAULT NULL,
  ip_address inet DEFAULT NULL, resource_id text DEFAULT NULL, request_id text DEFAULT NULL,
  correlation_id text DEFAULT NULL, task_id bigint DEFAULT NULL, filter text DEFAULT NULL)
RETURNS json
LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_list_json IS
'The page of audit_list() as the body of GET /v1/audit/events: {"items":[event, ...],"next_cursor":string or null}. '
'Arguments, rights and errors as for audit_list().';

CREATE FUNCTION @extschema@.audit_explain(
  event_group text DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL, user_id bigint DEFAULT NULL,
  vm_id text DEFAULT NULL, session_id text DEFAULT NULL, cursor text DEFAULT NULL, page_size integer DEFAULT 50,
  since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, actor_type text DEFAULT NULL,
  actor_id text DEFAULT NULL, source text DEFAULT NULL, resource_type text DEFAULT NULL,
  ip_address inet DEFAULT NULL, resource_id text DEFAULT NULL, request_id text DEFAULT NULL,
  correlation_id text DEFAULT NULL, task_id bigint DEFAULT NULL, filter text DEFAULT NULL)
RETURNS TABLE (name text, value text)
LANGUAGE c STABLE PARALLEL SAFE ROWS 10 COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_explain IS
'How audit_list() with these arguments finds its page. engine: posting, sql, or mixed (some partitions by sql). '
'reason: why sql; with mixed, for which partitions. events, has_more: of the page. The rest is the work of the '
'posting engine: partitions_opened, index_pages_read, pending_entries_read, tids_decoded, keys_walked, '
'block_ranges_read, heap_tuples_fetched. rows_checked: events that filter was compared with. filters_with_list: '
'columns whose given values, or values that filter requires, were looked up in the filter index. '
'filters_without_list: those that were checked on rows, since an opened partition has no list of their values. On '
'Citus shards_asked, the number of shards, stands for the work. '
'Arguments, rights and errors as for audit_list().';

CREATE FUNCTION @extschema@.audit_shard_page(
  shard_id bigint, event_group text DEFAULT NULL, event_type text DEFAULT NULL, status text DEFAULT NULL,
  user_id bigint DEFAULT NULL, vm_id text DEFAULT NULL, session_id text DEFAULT NULL, cursor text DEFAULT NULL,
  page_size integer DEFAULT 50, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
  actor_type text DEFAULT NULL, actor_id text DEFAULT NULL, source text DEFAULT NULL,
  resource_type text DEFAULT NULL, ip_address inet DEFAULT NULL, resource_id text DEFAULT NULL,
  request_id text DEFAULT NULL, correlation_id text DEFAULT NULL, task_id bigint DEFAULT NULL,
  filter text DEFAULT NULL)
RETURNS bytea[]
LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_shard_page IS
'For audit_list() on Citus: one event more than a page holds, of the shard of audit_events with that number on this '
'server. They are packed as in memory. The first element is no event: it is the format and why the posting engine '
'cannot answer. Any role may call it. It needs the right to read the shard. Arguments and errors as for audit_list().';

CREATE FUNCTION @extschema@.audit_get(id uuid, user_id bigint DEFAULT NULL)
RETURNS TABLE (
  id uuid, created_at timestamptz, user_id bigint, actor_type text, actor_id text, source text, event_group text,
  event_type text, status text, resource_type text, resource_id text, session_id text, vm_id text, task_id bigint,
  request_id text, correlation_id text, http_method text, path text, http_status integer,
  latency_ms double precision, ip_address inet, user_agent text, node_ip inet, worker_id text, event_payload jsonb,
  error_message text)
LANGUAGE c STABLE PARALLEL SAFE ROWS 1 COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_get IS
'The event with that id, or no row. With user_id: only if it is that user''s. If ids made elsewhere repeat, the '
'newest of these events. Runs with the caller''s rights. Row-level security applies.';

CREATE FUNCTION @extschema@.audit_get_json(id uuid, user_id bigint DEFAULT NULL) RETURNS json
LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_get_json IS
'The event of audit_get() as a JSON object with all 26 members, or NULL.';
