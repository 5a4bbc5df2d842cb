// Events that are recorded together: all of them, or none.
#pragma once

#include "base/postgres_api.hpp"
#include "writing/event_draft.hpp"

namespace audit::pg {

struct BatchRules {
  const char* source;                        // of events that name none
  std::optional<std::int64_t> only_user_id;  // whose events these have to be
};

struct RecordedEvent {
  pg_uuid_t id;
  bool is_new;  // false: an event with that id was there already, so this one was left out
};

// Keeps its rows in a tuplestore, which goes to disk beyond work_mem. No destructor: everything belongs to the memory
// context that was current when it was made.
class EventBatch {
 public:
  EventBatch(Oid function_oid, const BatchRules& rules);

  void add_document(Jsonb* events);       // an array of events, or one event
  void add_item(const JsonbValue& item);  // one event
  void add(EventDraft& draft);            // one that is known to be right
  void refuse(EventFault fault);          // one that need not be looked at

  // Of all that was added. While there are any, nothing can be recorded.
  const EventProblems& problems() const { return problems_; }

  // Inserts with the caller's rights. An event with a given id is left out if the id exists: before it in this batch,
  // or recorded earlier at any time. Waits for other transactions that record the same id.
  void record();

  int count() const { return count_; }
  const RecordedEvent& operator[](int index) const { return events_[index]; }

 private:
  void keep_to_user(EventDraft& draft);
  void keep_to_bounds(const EventDraft& draft);
  void complete(EventDraft& draft);
  void put(const EventDraft& draft);
  void note(const EventDraft& draft);
  void leave_out_known();
  void drop_known_rows();

  Oid function_oid_;
  BatchRules rules_;
  MemoryContext context_;
  MemoryContext event_context_;  // for what one event takes until it is a row
  TupleDesc descriptor_;
  Tuplestorestate* rows_;
  EventProblems problems_;
  RecordedEvent* events_;
  int count_ = 0;
  int capacity_;
  bool has_given_ids_ = false;
  TimestampTz latest_ = 0;
};
static_assert(std::is_trivially_destructible_v<EventBatch>);

}  // namespace audit::pg
