// The members of an event's JSON object, in the order of event_columns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"
#include "event_columns.hpp"

namespace audit {

// One column's value, over memory that the caller owns. The kind of the column decides which member counts: integer for
// integers and timestamp, number for number, bytes for all others.
struct EventValue {
  bool is_null = true;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view bytes;
};

using AuditEventView = std::array<EventValue, event_columns.size()>;

// Columns from `begin` to before `end`.
struct ColumnRange {
  std::size_t begin, end;
};

// At least what write_members writes.
std::size_t members_bound(const AuditEventView& event, ColumnRange range) noexcept;

// Writes `,"name":value` for each column and returns the end. The first member of an object has the opening brace in
// its comma's place. REQUIRES: members_bound bytes at `out`; the range is without event_payload.
char* write_members(char* out, const AuditEventView& event, ColumnRange range) noexcept;

}  // namespace audit
