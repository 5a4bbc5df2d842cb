#include "uuid_v7.hpp"

#include "rfc3339.hpp"

namespace audit {
namespace {

constexpr std::uint64_t time_mask = (std::uint64_t{1} << 48) - 1;

std::uint64_t unix_ms_of(const std::uint8_t* id) noexcept {
  std::uint64_t ms = 0;
  for (int i = 0; i < 6; i++) ms = ms << 8 | id[i];
  return ms;
}

}  // namespace

Uuid make_uuid_v7(std::int64_t microseconds_since_2000, std::uint64_t random_bits) noexcept {
  // Unsigned, since infinity is the largest int64 and must not overflow.
  const auto unix_us = static_cast<std::int64_t>(static_cast<std::uint64_t>(microseconds_since_2000) -
                                                 static_cast<std::uint64_t>(unix_epoch_us));
  const std::uint64_t unix_ms = static_cast<std::uint64_t>(unix_us / 1000) & time_mask;
  const auto fraction = static_cast<std::uint32_t>(unix_us % 1000 * 4096 / 1000) & 0xfff;

  Uuid id;
  for (int i = 0; i < 6; i++) id[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(unix_ms >> (40 - 8 * i));
  id[6] = static_cast<std::uint8_t>(0x70 | fraction >> 8);
  id[7] = static_cast<std::uint8_t>(fraction);
  for (std::size_t i = 8; i < 16; i++, random_bits >>= 8) id[i] = static_cast<std::uint8_t>(random_bits);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
}

bool uuid_v7_time(const std::uint8_t* id, std::int64_t& microseconds_since_2000) noexcept {
  if (id[6] >> 4 != 7) return false;
  microseconds_since_2000 = static_cast<std::int64_t>(unix_ms_of(id)) * 1000 + unix_epoch_us;
  return true;
}

bool uuid_v7_exact_time(const std::uint8_t* id, std::int64_t& microseconds_since_2000) noexcept {
  if (!uuid_v7_time(id, microseconds_since_2000)) return false;
  const int fraction = (id[6] & 0xf) << 8 | id[7];
  // Rounded up, as make_uuid_v7 rounds down; only fractions that it does not write would reach the next millisecond.
  const int us = (fraction * 1000 + 4095) / 4096;
  microseconds_since_2000 += us < 999 ? us : 999;
  return true;
}

bool uuid_v7_matches(const std::uint8_t* id, std::int64_t microseconds_since_2000) noexcept {
  std::int64_t id_time_us = 0;
  return uuid_v7_time(id, id_time_us) && microseconds_since_2000 >= id_time_us &&
         microseconds_since_2000 < id_time_us + 1000;
}

}  // namespace audit
