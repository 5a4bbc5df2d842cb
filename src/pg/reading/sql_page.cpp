// The SQL path: one saved plan per set of given conditions, never "$1 IS NULL OR ...", which no index can serve.
#include "reading/sql_page.hpp"

#include "base/sql_plans.hpp"

namespace audit::pg {
namespace {

// Every statement declares all parameters, so that a filter has the same number in each.
constexpr Oid parameter_types[] = {TEXTOID, TEXTOID,        TEXTOID,        INT8OID,        TEXTOID,
                                   TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDOID};
constexpr int parameter_count = lengthof(parameter_types);
constexpr int cursor_parameter = 8;  // and the next: the position's created_at and id

constexpr const char* conditions[] = {
    "event_group OPERATOR(pg_catalog.=) $1", "event_type OPERATOR(pg_catalog.=) $2", "status OPERATOR(pg_catalog.=) $3",
    "user_id OPERATOR(pg_catalog.=) $4", "vm_id OPERATOR(pg_catalog.=) $5", "session_id OPERATOR(pg_catalog.=) $6",
    "created_at OPERATOR(pg_catalog.>=) $7", "created_at OPERATOR(pg_catalog.<) $8",
    // The first half is implied by the second, but only it prunes partitions.
    "created_at OPERATOR(pg_catalog.<=) $9 AND (created_at, id) OPERATOR(pg_catalog.<) ($9, $10)"};
constexpr int condition_count = lengthof(conditions);

SavedPlan plans[1 << condition_count];

// Which conditions are given, as bits in their order.
unsigned given_conditions(const PageRequest& request) {
  unsigned given = 0;
  for (std::size_t i = 0; i < lengthof(request.filter_values); i++)
    if (!request.filter_values[i].isnull) given |= 1u << i;
  if (request.after) given |= 1u << cursor_parameter;
  return given;
}

ParamListInfo page_parameters(const PageRequest& request) {
  ParamListInfo parameters = null_parameters(parameter_types, parameter_count);
  for (std::size_t i = 0; i < lengthof(request.filter_values); i++)
    if (!request.filter_values[i].isnull)
      set_parameter(parameters, static_cast<int>(i), request.filter_values[i].value);
  if (request.after) {
    set_parameter(parameters, cursor_parameter, TimestampTzGetDatum(request.after->created_at_us));
    set_parameter(parameters, cursor_parameter + 1, PointerGetDatum(request.after->id.data()));
  }
  return parameters;
}

// The limit is a constant, so that the planner knows that a page is small; the executor stops at the real one.
const char* page_statement(Oid function_oid, unsigned given) {
  StringInfoData sql;
  initStringInfo(&sql);
  appendStringInfo(&sql, "SELECT %s FROM %s.audit_events", event_column_list(), quoted_schema_of(function_oid));
  const char* separator = " WHERE ";
  for (int i = 0; i < condition_count; i++) {
    if ((given & 1u << i) == 0) continue;
    appendStringInfo(&sql, "%s%s", separator, conditions[i]);
    separator = " AND ";
  }
  appendStringInfo(&sql, " ORDER BY created_at DESC, id DESC LIMIT %d", page_size_max + 1);
  return sql.data;
}

}  // namespace

void find_events_by_sql(const PageRequest& request, int event_limit, EventSink& sink) {
  const unsigned given = given_conditions(request);
  SPI_connect();
  if (needs_statement(plans[given], request.function_oid))
    prepare_statement(plans[given], request.function_oid, page_statement(request.function_oid, given), parameter_count,
                      parameter_types);
  run_event_query(plans[given], page_parameters(request), event_limit, sink);
  SPI_finish();
}

}  // namespace audit::pg
