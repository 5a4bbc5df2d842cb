// One page of the list: finds its events and reports how it ended. This is where an engine is chosen.
#pragma once

#include "base/event_row.hpp"
#include "engine/page_request.hpp"
#include "engine/search_report.hpp"

namespace audit::pg {

struct PageEnd {
  int event_count = 0;
  bool has_more = false;
  EventKey last;  // of the last event on the page; meaningless while event_count is 0
  SearchReport report;
};

// Hands the page's events to `sink` in the order of the list: at most page_size, and as many as it takes.
PageEnd fetch_page(const PageRequest& request, EventSink& sink);

// The token for the next page into `out` (cursor_size characters); false where there is no next page.
bool write_next_cursor(const PageRequest& request, const PageEnd& end, char* out);

}  // namespace audit::pg
