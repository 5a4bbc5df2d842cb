// An event on its way in: values in the order of event_columns, as far as they were given, and what the others become.
#pragma once

#include "base/event_row.hpp"
#include "base/postgres_api.hpp"
#include "writing/event_problems.hpp"

namespace audit::pg {

struct EventDraft {
  Datum values[event_column_count] = {};
  bool nulls[event_column_count];
  bool has_given_id = false;

  EventDraft() { std::fill_n(nulls, event_column_count, true); }

  void set(std::size_t column, Datum value) {
    values[column] = value;
    nulls[column] = false;
  }
};

// Reads one event, the `position`th. NULL and a member left out mean the same. Values lie in the current memory context
// or point into the item. Reports everything that is wrong with it.
void read_event(const JsonbValue& item, int position, EventDraft& draft, EventProblems& problems);

// Gives the columns that were left out what audit_log() documents. created_at becomes the time that the id holds, if it
// was given and is of version 7, else `now`.
void complete_event(EventDraft& draft, const char* source, TimestampTz now);

}  // namespace audit::pg
