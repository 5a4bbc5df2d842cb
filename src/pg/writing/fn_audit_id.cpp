// audit_make_id(created_at) and audit_id_matches(id, created_at): the ids of events, for those who make events
// elsewhere.
#include "base/event_id.hpp"
#include "base/sql_entry.hpp"

AUDIT_SQL_FUNCTION(audit_make_id) {
  const TimestampTz created_at = PG_GETARG_TIMESTAMPTZ(0);
  if (created_at < audit::unix_epoch_us || created_at >= audit::year_10000_us)
    ereport(ERROR, errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("created_at is out of range"),
            errdetail("An event happened in the years 1970 to 9999, UTC."),
            errhint("Pass the time of the event, as in its column created_at."));
  return audit::pg::make_event_id(created_at);
}

AUDIT_SQL_FUNCTION(audit_id_matches) {
  PG_RETURN_BOOL(audit::uuid_v7_matches(PG_GETARG_UUID_P(0)->data, PG_GETARG_TIMESTAMPTZ(1)));
}
