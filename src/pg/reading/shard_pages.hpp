// A page of a trail that Citus distributes: the posting engine of each worker searches its shards, and the server
// that was asked merges.
#pragma once

#include "base/event_row.hpp"
#include "engine/page_request.hpp"
#include "engine/search_report.hpp"

namespace audit::pg {

// As find_events_by_postings() for a page and the event behind it: the same events in the same order. Or false with the
// reason; `sink` has got nothing then. REQUIRES: the caller may read audit_events, and no policy applies.
bool find_events_on_shards(const PageRequest& request, EventSink& sink, SearchReport& report);

}  // namespace audit::pg
