// audit_log(...): records one event and returns its id. The id is made here and not by RETURNING, which would need the
// right to read the table: a writer needs none.
#include "base/sql_entry.hpp"
#include "base/sql_plans.hpp"
#include "writing/event_batch.hpp"

namespace audit::pg {
namespace {

// The column of each argument, in the order in which the SQL script declares them. First come the most frequent ones,
// then the others in their order, and last those with a made value.
constexpr std::array<std::size_t, event_columns.size()> order_arguments() {
  std::array<std::size_t, event_columns.size()> columns{event_column_named("event_group"),
                                                        event_column_named("event_type"), event_column_named("status"),
                                                        event_column_named("user_id")};
  std::size_t count = 4;
  for (std::size_t i = 0; i < event_columns.size(); i++) {
    const bool is_first = i == columns[0] || i == columns[1] || i == columns[2] || i == columns[3];
    if (!is_first && i != id_column && i != created_at_column) columns[count++] = i;
  }
  columns[count++] = id_column;
  columns[count] = created_at_column;
  return columns;
}

constexpr auto argument_columns = order_arguments();

SavedPlan insert_plan;

const char* insert_statement(Oid function_oid) {
  StringInfoData parameters;
  initStringInfo(&parameters);
  for (int i = 0; i < event_column_count; i++) appendStringInfo(&parameters, i > 0 ? ", $%d" : "$%d", i + 1);
  return psprintf("INSERT INTO %s.audit_events (%s) VALUES (%s)", quoted_schema_of(function_oid), event_column_list(),
                  parameters.data);
}

// NULL and an argument left out mean the same, so that a caller can pass on what it has.
EventDraft read_arguments(FunctionCallInfo fcinfo) {
  EventDraft draft;
  for (int i = 0; i < event_column_count; i++)
    if (!PG_ARGISNULL(i)) draft.set(argument_columns[static_cast<std::size_t>(i)], PG_GETARG_DATUM(i));
  return draft;
}

void insert_event(Oid function_oid, EventDraft& draft) {
  char nulls[event_column_count];
  for (int i = 0; i < event_column_count; i++) nulls[i] = draft.nulls[i] ? 'n' : ' ';
  SPI_connect();
  if (needs_statement(insert_plan, function_oid))
    prepare_statement(insert_plan, function_oid, insert_statement(function_oid), event_column_count,
                      event_column_types.data());
  const int result = SPI_execute_plan(use_plan(insert_plan), draft.values, nulls, false, 0);
  if (result != SPI_OK_INSERT) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
  SPI_finish();
}

Datum log_new_event(Oid function_oid, EventDraft& draft) {
  complete_event(draft, "sql", GetCurrentTimestamp());
  insert_event(function_oid, draft);
  return draft.values[id_column];
}

}  // namespace
}  // namespace audit::pg

// A given id is recorded once: the second time it is returned and nothing else happens.
AUDIT_SQL_FUNCTION(audit_log) {
  using namespace audit::pg;
  const Oid function_oid = fcinfo->flinfo->fn_oid;
  EventDraft draft = read_arguments(fcinfo);
  if (draft.nulls[audit::id_column]) return log_new_event(function_oid, draft);
  EventBatch batch(function_oid, {"sql", std::nullopt});
  batch.add(draft);
  batch.record();
  return draft.values[audit::id_column];
}
