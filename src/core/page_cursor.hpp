// The cursor: the place where a page ended, as an opaque token for the next request.
//
// Format 1 has 37 bytes, as base64url (50 characters). Integers are big-endian:
//  - 1 byte: version (1)
//  - 8 bytes: created_at, in microseconds since 2000
//  - 16 bytes: id
//  - 8 bytes: fingerprint of the filters
//  - 4 bytes: CRC-32C of all before
//
// It is deterministic: the same position and filters always give the same token.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"
#include "event_filters.hpp"

namespace audit {

// The key by which events are ordered: created_at, then id as bytes; both descending in a list.
struct EventKey {
  std::int64_t created_at_us = 0;
  std::array<std::uint8_t, 16> id{};
};

enum class CursorStatus {
  ok,
  invalid,   // not a cursor: wrong length, alphabet, version or checksum
  mismatch,  // a cursor, but made with other filters
};

constexpr std::size_t cursor_size = 50;

// Writes cursor_size characters, without a terminating zero.
void write_cursor(const EventKey& position, const EventFilters& filters, char* out) noexcept;

// Sets `position` when ok, and leaves it alone otherwise.
CursorStatus read_cursor(std::string_view token, const EventFilters& filters, EventKey& position) noexcept;

// Whether read_cursor would not say `invalid`; for callers that do not know the filters yet.
bool is_well_formed_cursor(std::string_view token) noexcept;

}  // namespace audit
