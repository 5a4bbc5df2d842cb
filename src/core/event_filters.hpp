// What narrows a list of events: six exact matches and a time range. Views only: whoever fills them owns the memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core_only.hpp"

namespace audit {

// Times are microseconds since 2000-01-01 00:00 UTC, as PostgreSQL counts them.
struct EventFilters {
  std::optional<std::string_view> event_group;
  std::optional<std::string_view> event_type;
  std::optional<std::string_view> status;
  std::optional<std::int64_t> user_id;
  std::optional<std::string_view> vm_id;
  std::optional<std::string_view> session_id;
  std::optional<std::int64_t> since_us;  // inclusive
  std::optional<std::int64_t> until_us;  // exclusive
};

// The same for equal filters in every process and version of cursor format 1; different ones differ but for chance
// (2^-64).
std::uint64_t fingerprint(const EventFilters& filters) noexcept;

}  // namespace audit
