// Opens audit_events for direct reading, with the checks that an SQL statement would have gone through.
#pragma once

#include "engine/page_request.hpp"

namespace audit::pg {

inline constexpr const char distributed_reason[] = "audit_events is distributed";

// Opens the shard of the request, or else the audit_events in the schema of its function. Locks it like a SELECT, to
// the end of the transaction. Returns nullptr and the reason if only the SQL path may or can answer. Such reasons are a
// missing right (SQL raises the error), a policy, a serializable transaction, or another shape of the table.
Relation open_events(const PageRequest& request, const char*& sql_reason);

}  // namespace audit::pg
