// The SQL path: a page by a SELECT that has just the given filters in its WHERE clause.
#pragma once

#include "base/event_row.hpp"
#include "engine/page_request.hpp"

namespace audit::pg {

// Hands the first `event_limit` events of the list to `sink`, newest first. Runs with the caller's rights on the
// caller's snapshot; row-level security applies. Cost: what the planner's choice costs.
void find_events_by_sql(const PageRequest& request, int event_limit, EventSink& sink);

}  // namespace audit::pg
