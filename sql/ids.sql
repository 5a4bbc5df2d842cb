
-------------------------------------------------------------------------------------------------------------------
-- Ids
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.audit_make_id(created_at timestamptz DEFAULT clock_timestamp()) RETURNS uuid
LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_make_id IS
'A new event id: a UUID version 7 (RFC 9562) that holds created_at. Ids of later events sort behind those of earlier '
'ones. Raises 22008 for a time outside the years 1970 to 9999.';

CREATE FUNCTION @extschema@.audit_id_matches(id uuid, created_at timestamptz) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION @extschema@.audit_id_matches IS
'Whether the id is a UUID version 7 made in the millisecond of created_at. Such an id leads to its event. The '
'indexes of audit_events use it, so every role that reads or writes events must be able to execute it.';
