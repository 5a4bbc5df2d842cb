// How large an event is as JSON, and what may be recorded: whoever writes must not be able to make a page that nobody
// can read.
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

// What is too much about an event; none where the setting is 0. Writes the event out only where a bound from the sizes
// of its values does not tell.
FoundExcess find_excess(const EventRow& row);

// For the errors.
const char* excess_message(Excess excess);
int excess_sqlstate(Excess excess);

// At least what the event's JSON takes, from the sizes of its values alone.
std::size_t json_bound(const EventRow& row);

// How much of a page's JSON is taken. By it all pages, whatever finds them and whatever form they have, end at the same
// event.
class PageRoom {
 public:
  PageRoom();

  // Whether the page goes on with an event of that size. The first is always taken.
  bool take(std::size_t event_size);

  // The same, where nobody needs the event's JSON.
  bool take(const EventRow& row);

  // Whether the page surely ends before the event, which is far too large to be written out for its size.
  bool is_far_too_large(const EventRow& row) const;

  std::size_t limit() const { return limit_; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};
static_assert(std::is_trivially_destructible_v<PageRoom>);

}  // namespace audit::pg
