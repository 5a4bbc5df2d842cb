// audit_get(id, user_id) and audit_get_json(id, user_id): one event, as a row or as JSON.
#include "base/json_buffer.hpp"
#include "base/sql_entry.hpp"
#include "reading/event_lookup.hpp"

namespace audit::pg {
namespace {

class StoreSink final : public EventSink {
 public:
  explicit StoreSink(const ReturnSetInfo* result) : result_(result) {}

  bool add(const EventRow& row) override {
    tuplestore_putvalues(result_->setResult, result_->setDesc, const_cast<Datum*>(row.values),
                         const_cast<bool*>(row.nulls));
    return true;
  }

 private:
  const ReturnSetInfo* result_;
};

class OneJsonSink final : public EventSink {
 public:
  explicit OneJsonSink(JsonBuffer& json) : json_(json) {}

  bool add(const EventRow& row) override {
    json_.append_event(row);
    found = true;
    return true;
  }

  bool found = false;

 private:
  JsonBuffer& json_;
};

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_get) {
  using namespace audit::pg;
  InitMaterializedSRF(fcinfo, 0);
  StoreSink sink(reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
  find_event(read_event_lookup(fcinfo), sink);
  return Datum{0};
}

AUDIT_SQL_FUNCTION(audit_get_json) {
  using namespace audit::pg;
  JsonBuffer json(json_buffer_usual_size);
  OneJsonSink sink(json);
  find_event(read_event_lookup(fcinfo), sink);
  if (!sink.found) PG_RETURN_NULL();
  return json.finish();
}
