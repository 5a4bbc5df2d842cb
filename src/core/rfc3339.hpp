// Times as the API writes and reads them: RFC 3339, microseconds since 2000-01-01 00:00 UTC inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"

namespace audit {

// 1970-01-01 00:00 UTC counted from 2000, and the first moment that RFC 3339 cannot write (year 10000).
constexpr std::int64_t unix_epoch_us = -946'684'800'000'000;
constexpr std::int64_t year_10000_us = 252'455'616'000'000'000;

constexpr std::size_t rfc3339_max_size = 27;  // 2025-01-31T23:59:59.123456Z

// Writes UTC with `Z`: six digits of a second where they are not all zero, none where they are. Returns the characters
// written. REQUIRES: years 0001 to 9999 (the table's check constraint keeps to 1970 to 9999).
std::size_t write_rfc3339(std::int64_t microseconds_since_2000, char* out) noexcept;

enum class DateTimeStatus { ok, malformed, no_offset };

// Reads `2025-01-31T23:59:59.123456+01:00`; also a space or lower-case t and z, as RFC 3339 section 5.6 allows. Digits
// beyond microseconds are cut off; a leap second (:60) is the next minute's first. Years 0001 to 9999.
DateTimeStatus parse_rfc3339(std::string_view text, std::int64_t& microseconds_since_2000) noexcept;

}  // namespace audit
