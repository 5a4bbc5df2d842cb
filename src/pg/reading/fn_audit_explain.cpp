// audit_explain(...): finds a page as audit_list(...) would, and reports how instead of what.
#include "base/event_bounds.hpp"
#include "base/sql_entry.hpp"
#include "reading/page.hpp"

namespace audit::pg {
namespace {

// Keeps none, and ends where the page does.
class RoomSink final : public EventSink {
 public:
  bool add(const EventRow& row) override { return room_.take(row); }

 private:
  PageRoom room_;
};
static_assert(std::is_trivially_destructible_v<RoomSink>);

void put(const ReturnSetInfo* result, const char* name, const char* value) {
  const Datum values[] = {CStringGetTextDatum(name), value == nullptr ? Datum{0} : CStringGetTextDatum(value)};
  const bool nulls[] = {false, value == nullptr};
  tuplestore_putvalues(result->setResult, result->setDesc, const_cast<Datum*>(values), const_cast<bool*>(nulls));
}

const char* engine_of(const SearchReport& report) {
  if (report.sql_reason != nullptr) return "sql";
  return report.sql_part_reason != nullptr ? "mixed" : "posting";
}

void put(const ReturnSetInfo* result, const char* name, std::int64_t value) {
  put(result, name, psprintf(INT64_FORMAT, static_cast<int64>(value)));
}

// nullptr: none.
const char* names_of(unsigned filters) {
  if (filters == 0) return nullptr;
  StringInfoData names;
  initStringInfo(&names);
  for (std::size_t i = 0; i < filter_count; i++) {
    if ((filters & 1u << i) == 0) continue;
    const std::string_view name = filter_name(i);
    appendStringInfo(&names, "%s%.*s", names.len > 0 ? ", " : "", static_cast<int>(name.size()), name.data());
  }
  return names.data;
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_explain) {
  using namespace audit::pg;
  const PageRequest request = read_page_request(fcinfo);
  InitMaterializedSRF(fcinfo, 0);
  const auto* result = reinterpret_cast<const ReturnSetInfo*>(fcinfo->resultinfo);
  RoomSink sink;
  const PageEnd end = fetch_page(request, sink);
  const SearchReport& report = end.report;
  put(result, "engine", engine_of(report));
  put(result, "reason", report.sql_reason != nullptr ? report.sql_reason : report.sql_part_reason);
  put(result, "events", end.event_count);
  put(result, "has_more", end.has_more ? "true" : "false");
  put(result, "shards_asked", report.shards_asked);
  // What the posting engine did, even if it gave up.
  put(result, "partitions_opened", report.partitions_opened);
  put(result, "index_pages_read", report.index_pages_read);
  put(result, "pending_entries_read", report.pending_entries_read);
  put(result, "tids_decoded", report.tids_decoded);
  put(result, "keys_walked", report.keys_walked);
  put(result, "block_ranges_read", report.block_ranges_read);
  put(result, "heap_tuples_fetched", report.heap_tuples_fetched);
  put(result, "rows_checked", report.rows_checked);
  put(result, "filters_with_list", names_of(report.filters_with_list));
  put(result, "filters_without_list", names_of(report.filters_without_list));
  return Datum{0};
}
