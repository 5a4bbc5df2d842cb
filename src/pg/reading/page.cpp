// One event more than the page holds is requested. It shows whether there is a next page, without a count.
#include "reading/page.hpp"

#include "base/settings.hpp"
#include "engine/posting_page.hpp"
#include "reading/shard_pages.hpp"
#include "reading/snapshot_age.hpp"
#include "reading/sql_page.hpp"

namespace audit::pg {
namespace {

// Passes the page on and keeps the event behind it back: the one that is too many, or that the sink has no room for.
class PageLimit final : public EventSink {
 public:
  PageLimit(int page_size, EventSink& sink) : page_size_(page_size), sink_(sink) {}

  bool add(const EventRow& row) override {
    end.has_more = end.event_count == page_size_ || !sink_.add(row);
    if (end.has_more) return false;
    end.event_count++;
    end.last = event_key(row);
    return true;
  }

  PageEnd end;

 private:
  int page_size_;
  EventSink& sink_;
};
static_assert(std::is_trivially_destructible_v<PageLimit>);

}  // namespace

PageEnd fetch_page(const PageRequest& request, EventSink& sink) {
  PageLimit page(request.page_size, sink);
  const int event_limit = request.page_size + 1;
  SearchReport report;
  bool is_found = false;
  if (engine_setting() == Engine::sql)
    report.sql_reason = "audit_ext.engine is sql";
  else
    is_found = find_events_by_postings(request, event_limit, find_events_by_sql, page, report) ||
               (report.is_distributed && find_events_on_shards(request, page, report));
  if (!is_found) find_events_by_sql(request, event_limit, page);
  check_snapshot_age();
  page.end.report = report;
  return page.end;
}

bool write_next_cursor(const PageRequest& request, const PageEnd& end, char* out) {
  if (end.has_more) write_cursor(end.last, request.filters, out);
  return end.has_more;
}

}  // namespace audit::pg
