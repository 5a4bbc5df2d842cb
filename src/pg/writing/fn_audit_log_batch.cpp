// audit_log_batch(events): records an array of events, all of them or none, and returns their ids in its order.
#include "base/sql_entry.hpp"
#include "writing/event_batch.hpp"

AUDIT_SQL_FUNCTION(audit_log_batch) {
  using namespace audit::pg;
  EventBatch batch(fcinfo->flinfo->fn_oid, {"sql", std::nullopt});
  batch.add_document(PG_GETARG_JSONB_P(0));
  if (!batch.problems().empty()) batch.problems().raise_first();
  batch.record();

  InitMaterializedSRF(fcinfo, 0);
  const auto* result = reinterpret_cast<const ReturnSetInfo*>(fcinfo->resultinfo);
  for (int i = 0; i < batch.count(); i++) {
    pg_uuid_t id = batch[i].id;
    Datum values[] = {UUIDPGetDatum(&id), BoolGetDatum(batch[i].is_new)};
    bool nulls[] = {false, false};
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
  return Datum{0};
}
