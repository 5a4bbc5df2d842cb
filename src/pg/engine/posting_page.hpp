// The posting engine: a page by reading posting lists and primary keys directly (docs/posting_engine.md).
#pragma once

#include "base/event_row.hpp"
#include "engine/page_request.hpp"
#include "engine/search_report.hpp"

namespace audit::pg {

// Hands the first `event_limit` events of the list to `sink`, newest first: the same ones in the same order as
// find_events_by_sql. Checks the caller's rights, uses the caller's snapshot. Returns false, with the reason in the
// report, where only the SQL path can answer; `sink` has got nothing then.
bool find_events_by_postings(const PageRequest& request, int event_limit, EventSink& sink, SearchReport& report);

}  // namespace audit::pg
