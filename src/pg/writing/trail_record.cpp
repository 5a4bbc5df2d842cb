// Records about the trail, written as the owner of audit_events. The role that does something may lack the right to
// write events. Nothing on the table may run with more rights than its owner's.
#include "writing/trail_record.hpp"

#include "base/event_id.hpp"
#include "base/own_objects.hpp"
#include "partitions/partition_ddl.hpp"

namespace audit::pg {
namespace {

constexpr int details_max = 8;
constexpr char own_group[] = "audit";

pg_uuid_t record_id;  // of the event that is being recorded; ids are not used twice, so an error leaves no harm

StatementArgument text_or_null(const char* text) {
  return {TEXTOID, text != nullptr ? CStringGetTextDatum(text) : Datum{0}, text == nullptr};
}

}  // namespace

void record_event(const char* event_type, const char* resource_type, const char* resource_id, const char* details,
                  const StatementArgument* arguments, int argument_count) {
  const TimestampTz now = GetCurrentTimestamp();
  StatementArgument all[details_max + 5];
  Assert(argument_count <= details_max);
  std::copy(arguments, arguments + argument_count, all);
  const int n = argument_count;
  all[n] = {UUIDOID, make_event_id(now), false};
  record_id = *DatumGetUUIDP(all[n].value);
  all[n + 1] = {TIMESTAMPTZOID, TimestampTzGetDatum(now), false};
  all[n + 2] = text_or_null(event_type);
  all[n + 3] = text_or_null(resource_type);
  all[n + 4] = text_or_null(resource_id);
  const char* sql = psprintf(
      "INSERT INTO %s (event_payload, id, created_at, event_type, resource_type, resource_id, event_group,"
      " actor_type, actor_id, source, status)"
      " VALUES (%s, $%d, $%d, $%d, $%d, $%d, 'audit', 'user', session_user, 'sql', 'success')",
      quoted_table(own_table("audit_events")), details != nullptr ? details : "NULL", n + 1, n + 2, n + 3, n + 4,
      n + 5);
  SPI_connect();
  execute_as_owner(own_table("audit_events"), sql, all, n + 5, SPI_OK_INSERT);
  SPI_finish();
  record_id = {};
}

bool is_own_group(Datum group) {
  constexpr std::size_t size = sizeof own_group - 1;
  if (toast_raw_datum_size(group) - VARHDRSZ != size) return false;
  return memcmp(VARDATA_ANY(DatumGetTextPP(group)), own_group, size) == 0;
}

bool is_own_record(Datum id) { return memcmp(DatumGetUUIDP(id)->data, record_id.data, UUID_LEN) == 0; }

}  // namespace audit::pg
