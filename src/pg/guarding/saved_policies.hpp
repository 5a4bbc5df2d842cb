// Row-level security of the trail, kept as rows of audit_policies, since pg_dump leaves out the policies of an
// extension's tables. The rows are statements, which run again when they arrive from a dump.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Brings audit_policies up to date. Never an error: nobody's command may fail for this.
void save_policies();

// While a statement from a dump runs: it is no change of the trail.
bool is_restoring_policy();

// To be called when a transaction or subtransaction ends by an error.
void forget_restoring_policy();

}  // namespace audit::pg
