// An event as PostgreSQL values in the order of event_columns, and whoever takes events one by one.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

constexpr int event_column_count = static_cast<int>(event_columns.size());

constexpr Oid event_column_types[] = {UUIDOID, TIMESTAMPTZOID, INT8OID, TEXTOID,  TEXTOID, TEXTOID,   TEXTOID,
                                      TEXTOID, TEXTOID,        TEXTOID, TEXTOID,  TEXTOID, TEXTOID,   INT8OID,
                                      TEXTOID, TEXTOID,        TEXTOID, TEXTOID,  INT4OID, FLOAT8OID, INETOID,
                                      TEXTOID, INETOID,        TEXTOID, JSONBOID, TEXTOID};
static_assert(lengthof(event_column_types) == event_column_count);

// Valid only until the next event comes: the values point into a pinned buffer or an executor's memory.
struct EventRow {
  const Datum* values;
  const bool* nulls;
};

// Takes events in the order of the list. What it keeps it copies into memory of its own.
class EventSink {
 public:
  // False: it takes neither this event nor any more.
  virtual bool add(const EventRow& row) = 0;

 protected:
  ~EventSink() = default;
};

EventKey event_key(const EventRow& row);

// The event for the JSON writer, all but its payload. Toasted values and inet are unpacked into the current memory
// context, so call it with one that is reset for each row.
void view_event(const EventRow& row, AuditEventView& view);

// "id, created_at, ..." for a SELECT list, in the current memory context.
const char* event_column_list();

}  // namespace audit::pg
