// audit_shard_page(shard_id, ...): the events of one shard of audit_events, on the server that has it. The first
// element is no event: it is the reason why the posting engine could not answer, or empty.
#include "base/event_bounds.hpp"
#include "base/packed_event.hpp"
#include "base/sql_entry.hpp"
#include "base/trail.hpp"
#include "engine/posting_page.hpp"

namespace audit::pg {
namespace {

class PackSink final : public EventSink {
 public:
  // Ends behind the event that ends any page by its size.
  bool add(const EventRow& row) override {
    elements_[count_++] = pack_event(row);
    json_bound_ += json_bound(row);
    return json_bound_ <= page_room_.limit();
  }

  Datum array(const char* reason) {
    StringInfoData first;
    initStringInfo(&first);
    appendStringInfoSpaces(&first, VARHDRSZ);
    appendBinaryStringInfo(&first, reinterpret_cast<const char*>(&packed_event_format), sizeof(packed_event_format));
    appendStringInfoString(&first, reason);
    SET_VARSIZE(first.data, first.len);
    elements_[0] = PointerGetDatum(first.data);
    return PointerGetDatum(construct_array(elements_, count_, BYTEAOID, -1, false, TYPALIGN_INT));
  }

 private:
  PageRoom page_room_;
  std::size_t json_bound_ = 0;
  Datum elements_[page_size_max + 2];
  int count_ = 1;
};
static_assert(std::is_trivially_destructible_v<PackSink>);

// InvalidOid: this server does not have the shard.
Oid shard_of(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0) || !OidIsValid(events_table())) return InvalidOid;
  const char* name = psprintf("%s_" INT64_FORMAT, get_rel_name(events_table()), PG_GETARG_INT64(0));
  const Oid shard = get_relname_relid(name, get_rel_namespace(events_table()));
  return OidIsValid(shard) && is_guarded(shard) ? shard : InvalidOid;
}

// Returns why the events are not there; "" if they are.
const char* find_events(const PageRequest& request, PackSink& sink) {
  if (!OidIsValid(request.shard)) return "a shard of audit_events is not where audit_shards says";
  SearchReport report;
  // One more than a page holds, which shows whether there is a next one.
  if (find_events_by_postings(request, request.page_size + 1, nullptr, sink, report)) return "";
  return report.sql_reason;
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_shard_page) {
  using namespace audit::pg;
  PageRequest request = read_page_request(fcinfo, 1);  // behind the shard's number
  request.shard = shard_of(fcinfo);
  PackSink sink;
  const char* reason = find_events(request, sink);
  return sink.array(reason);
}
