// Opens audit_events for direct reading, with the checks that an SQL statement would have gone through.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Opens the audit_events that is in the schema of that function, and locks it as a SELECT would, to the end of the
// transaction. Returns nullptr, and why, where only the SQL path may or can answer: the right to read is missing (it
// raises the error), a policy applies, the transaction is serializable, the table is not as expected, ...
Relation open_events(Oid function_oid, const char*& sql_reason);

}  // namespace audit::pg
