// UUID version 7 (RFC 9562, section 5.7): ids that sort by time.
#pragma once

#include <array>
#include <cstdint>

#include "core_only.hpp"

namespace audit {

using Uuid = std::array<std::uint8_t, 16>;

// The id of an event created at that moment. It has 48 bits of milliseconds since 1970, then 12 bits of the fraction of
// that millisecond (RFC 9562, section 6.2, method 3). The rest are 62 of the 64 random bits. Times beyond 48 bits are
// cut.
Uuid make_uuid_v7(std::int64_t microseconds_since_2000, std::uint64_t random_bits) noexcept;

// Whether the id was made in that millisecond: version 7, with the 48 bits of that time. Such an id leads to its event
// by the key (created_at, id).
bool uuid_v7_matches(const std::uint8_t* id, std::int64_t microseconds_since_2000) noexcept;

// The first microsecond of the millisecond in a version 7 id. False for every other version.
bool uuid_v7_time(const std::uint8_t* id, std::int64_t& microseconds_since_2000) noexcept;

// The microsecond that make_uuid_v7 was given; of an id made elsewhere, one of its millisecond and always the same one.
// False for every other version.
bool uuid_v7_exact_time(const std::uint8_t* id, std::int64_t& microseconds_since_2000) noexcept;

}  // namespace audit
