// JSON values written into a caller's buffer (RFC 8259). Every writer returns the end of what it wrote and checks no
// bounds: the caller reserves the stated size first, once for many values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core_only.hpp"

namespace audit {

constexpr std::size_t json_integer_size = 20;  // -9223372036854775808
constexpr std::size_t json_number_size = 24;   // -2.2250738585072014e-308

// At least what write_json_string writes, quotes included. Exact for texts of more than 4 kB, where a sixfold reserve
// would be a waste.
std::size_t json_string_bound(std::string_view text) noexcept;

// Escapes quote, backslash and the control characters below U+0020; every other byte goes through as it is.
char* write_json_string(char* out, std::string_view text) noexcept;

char* write_json_integer(char* out, std::int64_t value) noexcept;

// The shortest digits that read back as the same double. JSON has no NaN and no infinity: they become null.
char* write_json_number(char* out, double value) noexcept;

inline char* write_bytes(char* out, std::string_view bytes) noexcept {
  std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

}  // namespace audit
