// audit_log(...): records one event and returns its id. The id is made here and not by RETURNING, which would need the
// right to read the table: a writer needs none.
#include "event_id.hpp"
#include "event_row.hpp"
#include "sql_entry.hpp"
#include "sql_plans.hpp"

namespace audit::pg {
namespace {

// The column of each argument, in the order in which the SQL script declares them.
constexpr std::string_view argument_columns[] = {
    "event_group",   "event_type",    "status",        "user_id",    "actor_type", "actor_id",   "source",
    "resource_type", "resource_id",   "session_id",    "vm_id",      "task_id",    "request_id", "correlation_id",
    "http_method",   "path",          "http_status",   "latency_ms", "ip_address", "user_agent", "node_ip",
    "worker_id",     "event_payload", "error_message", "id",         "created_at"};
constexpr Oid argument_types[] = {TEXTOID, TEXTOID,  TEXTOID, INT8OID,   TEXTOID,       TEXTOID, TEXTOID,
                                  TEXTOID, TEXTOID,  TEXTOID, TEXTOID,   INT8OID,       TEXTOID, TEXTOID,
                                  TEXTOID, TEXTOID,  INT4OID, FLOAT8OID, INETOID,       TEXTOID, INETOID,
                                  TEXTOID, JSONBOID, TEXTOID, UUIDOID,   TIMESTAMPTZOID};
constexpr int argument_count = lengthof(argument_columns);
static_assert(argument_count == event_column_count && lengthof(argument_types) == argument_count);
enum Argument {
  status_argument = 2,
  user_id_argument = 3,
  actor_type_argument = 4,
  actor_id_argument = 5,
  source_argument = 6,
  id_argument = 24,
  created_at_argument = 25
};

SavedPlan insert_plan;

const char* insert_statement(Oid function_oid) {
  StringInfoData sql, parameters;
  initStringInfo(&sql);
  initStringInfo(&parameters);
  appendStringInfo(&sql, "INSERT INTO %s.audit_events (", quoted_schema_of(function_oid));
  for (int i = 0; i < argument_count; i++) {
    appendStringInfo(&sql, i > 0 ? ", %s" : "%s", argument_columns[i].data());
    appendStringInfo(&parameters, i > 0 ? ", $%d" : "$%d", i + 1);
  }
  appendStringInfo(&sql, ") VALUES (%s)", parameters.data);
  return sql.data;
}

void set_default(NullableDatum& value, const char* text) {
  if (value.isnull) value = {CStringGetTextDatum(text), false};
}

// NULL and an argument left out mean the same, so that a caller can pass on what it has.
void set_defaults(NullableDatum* values) {
  const bool by_somebody = !values[user_id_argument].isnull || !values[actor_id_argument].isnull;
  set_default(values[status_argument], "success");
  set_default(values[actor_type_argument], by_somebody ? "user" : "system");
  set_default(values[source_argument], "sql");
  if (values[created_at_argument].isnull)
    values[created_at_argument] = {TimestampTzGetDatum(GetCurrentTimestamp()), false};
  if (values[id_argument].isnull)
    values[id_argument] = {make_event_id(DatumGetTimestampTz(values[created_at_argument].value)), false};
}

void insert_event(Oid function_oid, const NullableDatum* values) {
  Datum datums[argument_count];
  char nulls[argument_count];
  for (int i = 0; i < argument_count; i++) {
    datums[i] = values[i].value;
    nulls[i] = values[i].isnull ? 'n' : ' ';
  }
  SPI_connect();
  if (needs_statement(insert_plan, function_oid))
    prepare_statement(insert_plan, function_oid, insert_statement(function_oid), argument_count, argument_types);
  const int result = SPI_execute_plan(insert_plan.plan, datums, nulls, false, 0);
  if (result != SPI_OK_INSERT) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
  SPI_finish();
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_log) {
  using namespace audit::pg;
  NullableDatum values[argument_count];
  memcpy(values, fcinfo->args, sizeof(values));
  set_defaults(values);
  insert_event(fcinfo->flinfo->fn_oid, values);
  return values[id_argument].value;
}
