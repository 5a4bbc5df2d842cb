// Integers in query strings, as pydantic's lax mode reads them.
#pragma once

#include <cstdint>
#include <string_view>

namespace audit::httpd {

enum class IntegerStatus { ok, malformed, too_large, too_small };  // too_*: an integer, but beyond 64 bits

struct IntegerText {
  IntegerStatus status;
  std::int64_t value;
};

// White space around, a sign, digits with single underscores between them, and `.0` with any number of zeros.
IntegerText parse_integer(std::string_view text);

}  // namespace audit::httpd
