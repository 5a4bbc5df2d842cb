// An event as PostgreSQL values in the order of event_columns, and the sinks that take events one by one.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

constexpr int event_column_count = static_cast<int>(event_columns.size());

constexpr Oid type_of(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::uuid: return UUIDOID;
    case ColumnKind::timestamp: return TIMESTAMPTZOID;
    case ColumnKind::integer: return INT8OID;
    case ColumnKind::integer32: return INT4OID;
    case ColumnKind::number: return FLOAT8OID;
    case ColumnKind::text: return TEXTOID;
    case ColumnKind::address: return INETOID;
    case ColumnKind::payload: return JSONBOID;
  }
  return InvalidOid;
}

// The types of `columns`, in their order.
template <std::size_t Count>
constexpr std::array<Oid, Count> types_of(const std::array<EventColumn, Count>& columns) {
  std::array<Oid, Count> types{};
  for (std::size_t i = 0; i < Count; i++) types[i] = type_of(columns[i].kind);
  return types;
}

constexpr auto event_column_types = types_of(event_columns);

// Valid only until the next event comes: the values point into a pinned buffer or an executor's memory.
struct EventRow {
  const Datum* values;
  const bool* nulls;
};

// Takes events in the order of the list. A sink copies what it keeps into its own memory.
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

// Finds the number (from 1) of each event column in a table, whose columns may have another order. Returns the first
// missing column, or event_columns.size() if none is missing. Ignores their types.
std::size_t find_event_columns(TupleDesc descriptor, AttrNumber (&numbers)[event_column_count]);

// "id, created_at, ..." for a SELECT list, in the current memory context.
const char* event_column_list();

}  // namespace audit::pg
