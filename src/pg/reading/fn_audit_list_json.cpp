// audit_list_json(...): the page as the body of GET /v1/audit/events. The daemon passes the bytes on and reads the
// cursor off their end, so the form {"items":[...],"next_cursor":...} without white space is a promise.
#include "base/event_bounds.hpp"
#include "base/json_buffer.hpp"
#include "base/sql_entry.hpp"
#include "reading/page.hpp"

namespace audit::pg {
namespace {

class JsonSink final : public EventSink {
 public:
  explicit JsonSink(JsonBuffer& json) : json_(json) {}

  bool add(const EventRow& row) override {
    if (room_.is_far_too_large(row)) return false;
    const std::size_t begin = json_.size();
    if (has_events_) json_.append(",");
    const std::size_t event_begin = json_.size();
    json_.append_event(row);
    has_events_ = room_.take(json_.size() - event_begin);
    if (!has_events_) json_.shrink_to(begin);
    return has_events_;
  }

 private:
  JsonBuffer& json_;
  PageRoom room_;
  bool has_events_ = false;
};
static_assert(std::is_trivially_destructible_v<JsonSink>);

Datum page_as_json(const PageRequest& request) {
  constexpr std::size_t usual_event_size = 1100;
  JsonBuffer json(json_buffer_usual_size + usual_event_size * static_cast<std::size_t>(request.page_size));
  JsonSink sink(json);

  json.append("{\"items\":[");
  const PageEnd end = fetch_page(request, sink);
  char cursor[cursor_size];
  if (write_next_cursor(request, end, cursor)) {
    json.append("],\"next_cursor\":\"");
    json.append({cursor, cursor_size});
    json.append("\"}");
  } else {
    json.append("],\"next_cursor\":null}");
  }
  return json.finish();
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_list_json) { return audit::pg::page_as_json(audit::pg::read_page_request(fcinfo)); }
