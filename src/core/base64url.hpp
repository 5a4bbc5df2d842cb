// base64url without padding (RFC 4648, section 5), the alphabet of cursors and tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"

namespace audit {

// Characters that `byte_count` bytes take.
constexpr std::size_t base64url_size(std::size_t byte_count) noexcept { return (byte_count * 4 + 2) / 3; }

// Writes base64url_size(byte_count) characters to `out`, without a terminating zero.
void base64url_encode(const std::uint8_t* bytes, std::size_t byte_count, char* out) noexcept;

// Strict: false unless `text` is what base64url_encode writes for exactly `byte_count` bytes, unused trailing bits
// zero. `out` has room for `byte_count` bytes; its content is undefined after false.
bool base64url_decode(std::string_view text, std::uint8_t* out, std::size_t byte_count) noexcept;

}  // namespace audit
