// audit_make_id(created_at) and audit_id_matches(id, created_at): the ids of events, for those who make events
// elsewhere.
#include "event_id.hpp"
#include "sql_entry.hpp"

AUDIT_SQL_FUNCTION(audit_make_id) { return audit::pg::make_event_id(PG_GETARG_TIMESTAMPTZ(0)); }

AUDIT_SQL_FUNCTION(audit_id_matches) {
  PG_RETURN_BOOL(audit::uuid_v7_matches(PG_GETARG_UUID_P(0)->data, PG_GETARG_TIMESTAMPTZ(1)));
}
