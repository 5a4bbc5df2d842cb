#include "writing/distributed_batch.hpp"

#include "base/event_row.hpp"
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/sql_plans.hpp"

namespace audit::pg {
namespace {

constexpr const char given_sql[] =
    "SELECT pg_catalog.array_agg(given_id ORDER BY given_id), pg_catalog.array_agg(id_since ORDER BY given_id)"
    " FROM new_events WHERE given_id IS NOT NULL";

constexpr const char claim_sql[] =
    "INSERT INTO %1$s.audit_id_claims (id) SELECT DISTINCT g.id FROM pg_catalog.unnest($1) g(id)";

constexpr const char release_sql[] = "DELETE FROM %1$s.audit_id_claims WHERE id OPERATOR(pg_catalog.=) ANY ($1)";

constexpr const char known_by_time_sql[] =
    "SELECT pg_catalog.array_agg(e.id) FROM %1$s.audit_events e, ROWS FROM (pg_catalog.unnest($1),"
    " pg_catalog.unnest($2)) g(id, since)"
    " WHERE e.id OPERATOR(pg_catalog.=) g.id AND e.created_at OPERATOR(pg_catalog.>=) g.since"
    " AND e.created_at OPERATOR(pg_catalog.<) (g.since OPERATOR(pg_catalog.+)"
    " '1 millisecond'::pg_catalog.interval)";

constexpr const char known_foreign_sql[] =
    "SELECT pg_catalog.array_agg(e.id) FROM %1$s.audit_events e WHERE e.id OPERATOR(pg_catalog.=) ANY ($1)"
    " AND NOT %1$s.audit_id_matches(e.id, e.created_at)";

constexpr const char positions_sql[] =
    "SELECT n.position FROM (SELECT *, pg_catalog.row_number() OVER (PARTITION BY given_id ORDER BY position) AS nth"
    " FROM new_events WHERE given_id IS NOT NULL) n WHERE n.nth OPERATOR(pg_catalog.>) 1"
    " OR n.given_id OPERATOR(pg_catalog.=) ANY ($1) OR n.given_id OPERATOR(pg_catalog.=) ANY ($2)";

constexpr const char rows_sql[] = "SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(n)) FROM new_events n";

// The value of a column of the one row that the last statement found.
StatementArgument found_value(int column, Oid type) {
  StatementArgument value = {type, Datum{0}, true};
  if (SPI_processed == 1)
    value.value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &value.is_null);
  return value;
}

void execute(const char* sql, const StatementArgument* arguments, int count, int expected) {
  Oid types[2];
  Datum values[2];
  char nulls[2] = {};
  Assert(count <= static_cast<int>(lengthof(types)));
  for (int i = 0; i < count; i++) {
    types[i] = arguments[i].type;
    values[i] = arguments[i].value;
    nulls[i] = arguments[i].is_null ? 'n' : ' ';
  }
  const int result = SPI_execute_with_args(sql, count, types, values, nulls, false, 0);
  if (result != expected) elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
}

void execute_for(Oid function_oid, const char* table, const char* sql, const StatementArgument* arguments, int count,
                 int expected) {
  execute_as_owner(own_table(table), psprintf(sql, quoted_schema_of(function_oid)), arguments, count, expected);
}

// Servers would show a transaction with a snapshot of its own what was there when it began.
void refuse_old_snapshots() {
  if (!IsolationUsesXactSnapshot()) return;
  ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
          errmsg("an event with a given id cannot be recorded in this transaction"),
          errdetail("audit_events is distributed, and the transaction does not see what others have recorded since it "
                    "began."),
          errhint("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, or leave the id out."));
}

}  // namespace

void find_known_distributed(Oid function_oid) {
  refuse_old_snapshots();
  execute(given_sql, nullptr, 0, SPI_OK_SELECT);
  const StatementArgument given[] = {found_value(1, UUIDARRAYOID), found_value(2, TIMESTAMPTZARRAYOID)};
  execute_for(function_oid, "audit_id_claims", claim_sql, given, 1, SPI_OK_INSERT);
  execute_for(function_oid, "audit_id_claims", release_sql, given, 1, SPI_OK_DELETE);
  execute_for(function_oid, "audit_events", known_by_time_sql, given, 2, SPI_OK_SELECT);
  const StatementArgument by_time = found_value(1, UUIDARRAYOID);
  execute_for(function_oid, "audit_events", known_foreign_sql, given, 1, SPI_OK_SELECT);
  const StatementArgument known[] = {by_time, found_value(1, UUIDARRAYOID)};
  execute(positions_sql, known, 2, SPI_OK_SELECT);
}

void insert_distributed(Oid function_oid) {
  const int settings_level = NewGUCNestLevel();
  set_neutral_settings();
  execute(rows_sql, nullptr, 0, SPI_OK_SELECT);
  AtEOXact_GUC(false, settings_level);
  const StatementArgument rows = found_value(1, JSONBOID);
  if (rows.is_null) return;
  execute(psprintf("INSERT INTO %1$s.audit_events (%2$s) SELECT %2$s FROM pg_catalog.jsonb_populate_recordset("
                   "NULL::%1$s.audit_events, $1)",
                   quoted_schema_of(function_oid), event_column_list()),
          &rows, 1, SPI_OK_INSERT);
}

}  // namespace audit::pg
