// One event as a JSON object with all 26 members, in the order of event_columns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"
#include "event_columns.hpp"

namespace audit {

// One column's value over memory that somebody else owns. Which member counts is the column's kind:
// integer for integer and timestamp, number for number, bytes for the others.
struct EventValue {
  bool is_null = true;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view bytes;
};

using AuditEventView = std::array<EventValue, event_columns.size()>;

// At least what write_event_json writes.
std::size_t event_json_bound(const AuditEventView& event) noexcept;

// Writes the object and returns its end. REQUIRES: event_json_bound(event) bytes at `out`; id and created_at not null.
char* write_event_json(char* out, const AuditEventView& event) noexcept;

}  // namespace audit
