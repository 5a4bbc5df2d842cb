// The posting engine: a page by reading posting lists and primary keys directly (docs/posting_engine.md).
#pragma once

#include "base/event_row.hpp"
#include "engine/page_request.hpp"
#include "engine/search_report.hpp"
#include "engine/sql_parts.hpp"

namespace audit::pg {

// Hands the first `event_limit` events of the list to `sink`, newest first: the same ones in the same order as
// `find_by_sql`. That is asked for the part of each partition that has no pages to read. Checks the caller's rights,
// uses the caller's snapshot. Returns false, with the reason in the report, where only the SQL path can answer; `sink`
// has got nothing then.
bool find_events_by_postings(const PageRequest& request, int event_limit, FindBySql find_by_sql, EventSink& sink,
                             SearchReport& report);

}  // namespace audit::pg
