// Row-level security of the trail, kept as rows of audit_policies, because pg_dump leaves out the policies of an
// extension's tables. The rows are statements. A restore inserts them, and they run again.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Brings audit_policies up to date. It never raises: a user's command must not fail because of it.
void save_policies();

// Whether a statement from a dump is running: it does not count as a change of the trail.
bool is_restoring_policy();

// To be called when a transaction or subtransaction ends by an error.
void forget_restoring_policy();

}  // namespace audit::pg
