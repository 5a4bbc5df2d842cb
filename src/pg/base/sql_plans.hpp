// Statements on the extension's tables through SPI, each prepared once a session and kept.
#pragma once

#include "base/event_row.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

// Finds the schema that a function of the extension was installed in. Never by search_path.
// The name is quoted as an identifier and lives in the current memory context.
const char* quoted_schema_of(Oid function_oid);

// A place for a prepared statement; zero-initialised storage that lives as long as the session.
struct SavedPlan {
  struct KeptPlan* kept;
};

// Whether the statement must be prepared (again). It was never prepared, a schema was renamed since, or the extension
// was installed again in another schema.
bool needs_statement(const SavedPlan& saved, Oid function_oid);

// A plan that ends with the SPI connection. REQUIRES: SPI connected.
SPIPlanPtr prepare(const char* sql, int parameter_count, const Oid* parameter_types);

// Prepares `sql` for the schema of that function into `saved`. REQUIRES: SPI connected.
void prepare_statement(SavedPlan& saved, Oid function_oid, const char* sql, int parameter_count,
                       const Oid* parameter_types);

// The plan. It stays until the SPI connection ends, also by an error. This holds even if what it runs (a trigger, a
// policy) comes back here and prepares the statement again. REQUIRES: SPI connected, and its memory context current.
SPIPlanPtr use_plan(const SavedPlan& saved);

// A list of parameters, all NULL, in the current memory context; then the given ones one by one (index from 0).
ParamListInfo null_parameters(const Oid* types, int count);
void set_parameter(ParamListInfo parameters, int index, Datum value);

// Runs a statement that selects event_column_list() and hands each row to `sink`, straight from the executor's slot.
// Stops after `row_limit` rows, or when the sink takes no more. Uses the active snapshot and the caller's rights.
// REQUIRES: SPI connected.
void run_event_query(SPIPlanPtr plan, ParamListInfo parameters, int row_limit, EventSink& sink);

// To be called once, when the library is loaded.
void watch_schema_changes();

}  // namespace audit::pg
