// Opens audit_events for direct reading, with the checks that an SQL statement would have gone through.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Opens the audit_events in the schema of that function, and locks it like a SELECT, to the end of the transaction.
// Returns nullptr and the reason if only the SQL path may or can answer. Such reasons are a missing right (SQL raises
// the error), a policy, a serializable transaction, or another shape of the table.
Relation open_events(Oid function_oid, const char*& sql_reason);

}  // namespace audit::pg
