// What can be wrong with an event that comes as JSON, and a list of what was found. The types are those of pydantic,
// as in the answers to a wrong page.
#pragma once

#include "base/json_buffer.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

enum class EventFault {
  missing,
  unknown_member,
  not_text,
  text_too_long,
  not_integer,
  fraction,
  integer_too_large,
  not_number,
  number_too_large,
  not_a_time,
  time_without_offset,
  time_too_early,
  time_too_late,
  not_uuid,
  not_inet,
  not_an_event,
  not_a_list,
  too_deep,
  too_many_digits,
  too_large,
  reserved_group,
  other_user,  // user_id is not the one that the writer is bound to
};

struct EventProblem {
  int position;             // of the event, from 0
  std::string_view member;  // none for not_an_event and not_a_list, and for too_large where it is not known
  EventFault fault;
};

// Keeps the first hundred; no destructor, since its memory belongs to the context that was current when it was made.
class EventProblems {
 public:
  EventProblems() : context_(CurrentMemoryContext) {}

  void add(int position, std::string_view member, EventFault fault);
  bool empty() const { return count_ == 0; }
  int count() const { return count_; }
  bool has(EventFault fault) const;

  // Raises the first: the message names event and member, the column name is the member, the constraint name the type.
  void raise_first() const;
  // {"detail":[{"loc":["body",3,"user_id"],"msg":"...","type":"..."}, ...]}
  Datum as_json() const;

 private:
  static constexpr int count_max = 100;
  void append_problem(JsonBuffer& json, const EventProblem& problem) const;

  MemoryContext context_;
  EventProblem problems_[count_max];
  int count_ = 0;
};
static_assert(std::is_trivially_destructible_v<EventProblems>);

}  // namespace audit::pg
