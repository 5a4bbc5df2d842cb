// Two small hashes for the cursor: FNV-1a distinguishes sets of filters, CRC-32C detects damage. Neither is a secret or
// a defence against forgery. Rights, filters and policies decide what a caller may see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"

namespace audit {

// FNV-1a, 64 bits (draft-eastlake-fnv). Feed it unambiguous input: sizes before texts.
class Fnv1a64 {
 public:
  constexpr void add_byte(std::uint8_t byte) noexcept { state_ = (state_ ^ byte) * 0x100000001b3; }
  constexpr void add_int64(std::int64_t value) noexcept {
    for (int shift = 56; shift >= 0; shift -= 8)
      add_byte(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> shift));
  }
  constexpr void add_text(std::string_view text) noexcept {
    add_int64(static_cast<std::int64_t>(text.size()));
    for (const char c : text) add_byte(static_cast<std::uint8_t>(c));
  }
  constexpr std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

// CRC-32C (Castagnoli; RFC 3720, appendix B.4). Finds every error burst of up to 32 bits.
constexpr std::uint32_t crc32c(const std::uint8_t* bytes, std::size_t byte_count) noexcept {
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 0; i < byte_count; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
  }
  return ~crc;
}

}  // namespace audit
