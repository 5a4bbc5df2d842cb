// An id that the extension made holds its event's created_at to the millisecond, which leads to the partition and its
// primary key. Events whose id does not match their time (ids from elsewhere) are in a small partial index of their
// own.
#include "reading/event_lookup.hpp"

#include "base/sql_plans.hpp"
#include "reading/snapshot_age.hpp"

namespace audit::pg {
namespace {

constexpr Oid parameter_types[] = {UUIDOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
enum Parameter { id_parameter, user_parameter, from_parameter, to_parameter };

struct LookupStatement {
  const char* condition;  // %s: the extension's schema
  SavedPlan plan;
};

LookupStatement by_time = {"created_at OPERATOR(pg_catalog.>=) $3 AND created_at OPERATOR(pg_catalog.<) $4", {}};
LookupStatement by_foreign_id = {"NOT %s.audit_id_matches(id, created_at)", {}};

const char* lookup_statement(const EventLookup& lookup, const char* condition) {
  const char* schema = quoted_schema_of(lookup.function_oid);
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql,
                   "SELECT %s FROM %s.audit_events WHERE id OPERATOR(pg_catalog.=) $1 AND ($2 IS NULL OR user_id "
                   "OPERATOR(pg_catalog.=) $2) AND ",
                   event_column_list(), schema);
  appendStringInfo(&sql, condition, schema);
  appendStringInfoString(&sql, " ORDER BY created_at DESC LIMIT 1");
  return sql.data;
}

void run(const EventLookup& lookup, LookupStatement& statement, ParamListInfo parameters, EventSink& sink) {
  if (needs_statement(statement.plan, lookup.function_oid))
    prepare_statement(statement.plan, lookup.function_oid, lookup_statement(lookup, statement.condition),
                      lengthof(parameter_types), parameter_types);
  run_event_query(use_plan(statement.plan), parameters, 1, sink);
}

class FoundSink final : public EventSink {
 public:
  explicit FoundSink(EventSink& sink) : sink_(sink) {}
  bool add(const EventRow& row) override {
    found = true;
    return sink_.add(row);
  }
  bool found = false;

 private:
  EventSink& sink_;
};

ParamListInfo lookup_parameters(const EventLookup& lookup) {
  ParamListInfo parameters = null_parameters(parameter_types, lengthof(parameter_types));
  set_parameter(parameters, id_parameter, *lookup.id);
  if (lookup.user_id) set_parameter(parameters, user_parameter, *lookup.user_id);
  return parameters;
}

}  // namespace

EventLookup read_event_lookup(FunctionCallInfo fcinfo) {
  EventLookup lookup{};
  lookup.function_oid = fcinfo->flinfo->fn_oid;
  if (!PG_ARGISNULL(0)) lookup.id = PG_GETARG_DATUM(0);
  if (!PG_ARGISNULL(1)) lookup.user_id = PG_GETARG_DATUM(1);
  return lookup;
}

void find_event(const EventLookup& lookup, EventSink& sink) {
  if (!lookup.id) return;
  SPI_connect();
  FoundSink found(sink);
  ParamListInfo parameters = lookup_parameters(lookup);
  std::int64_t id_time_us = 0;
  if (uuid_v7_time(DatumGetUUIDP(*lookup.id)->data, id_time_us)) {
    set_parameter(parameters, from_parameter, TimestampTzGetDatum(id_time_us));
    set_parameter(parameters, to_parameter, TimestampTzGetDatum(id_time_us + 1000));
    run(lookup, by_time, parameters, found);
  }
  if (!found.found) run(lookup, by_foreign_id, parameters, found);
  SPI_finish();
  check_snapshot_age();
}

}  // namespace audit::pg
