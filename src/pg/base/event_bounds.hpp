// Bounds on events: the size of an event as JSON, and what may be recorded. They keep writers from making a page that
// readers cannot read.
#pragma once

#include "base/event_row.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

enum class Excess {
  none,
  depth,   // of event_payload
  digits,  // of a number in event_payload
  size,    // of the event as JSON, in bytes: max_event_size_setting()
};

struct FoundExcess {
  Excess excess = Excess::none;
  std::size_t column = 0;  // the one that exceeds, or the largest
};

// The excess of an event; none if the setting is 0. The event is written out only where the sizes of its values do not
// decide.
FoundExcess find_excess(const EventRow& row);

// For the errors.
const char* excess_message(Excess excess);
int excess_sqlstate(Excess excess);

// A lower bound of the event's JSON, from the sizes of its values alone.
std::size_t json_bound(const EventRow& row);

// The JSON of a page so far. All pages of either engine and either form use it, so they end at the same event.
class PageRoom {
 public:
  PageRoom();

  // Whether the page goes on with an event of that size. The first is always taken.
  bool take(std::size_t event_size);

  // The same, where the event's JSON is not needed.
  bool take(const EventRow& row);

  // Whether the page certainly ends before the event, which is far too large to be written out for its size.
  bool is_far_too_large(const EventRow& row) const;

  std::size_t limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};
static_assert(std::is_trivially_destructible_v<PageRoom>);

}  // namespace audit::pg
