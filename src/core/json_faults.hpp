// Finds the events in JSON that the database cannot store. The database's own error for a rejected body reports the
// fault, but not the event.
#pragma once

#include <cstddef>
#include <string_view>

#include "core_only.hpp"

namespace audit {

enum class JsonFaultKind {
  none,
  malformed,    // no JSON (RFC 8259)
  nul,          // the escape \u0000
  surrogate,    // the escape of half a pair
  long_number,  // more than number_digits_max digits
  deep,         // nested deeper than a payload may be
};

struct JsonFault {
  JsonFaultKind kind = JsonFaultKind::none;
  bool has_event = false;   // whether it is in one of the events
  std::size_t event = 0;    // which, from 0
  std::string_view member;  // of the event, as it is written, without the quotes; empty: none, or in its name
  std::size_t line = 1;     // from 1
};

// The first fault of a list of events or of one event; with `is_ndjson`, of one event a line. Bytes above U+007F count
// as well-formed UTF-8.
JsonFault find_json_fault(std::string_view text, bool is_ndjson) noexcept;

}  // namespace audit
