// The digits of a numeric, read where they lie. The layout is that of NumericData in numeric.c, which is also what
// tables hold: it has been the same since 9.1. What every number of every event needs is inline.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

constexpr int digits_in_group = 4;

struct NumericDigits {
  const std::int16_t* groups;  // of digits_in_group decimal digits, the highest first, none at the end that is zero
  int group_count;
  int weight;  // the first group counts 10000 ^ weight
  int scale;   // digits behind the point
  bool is_negative;
  bool is_special;  // NaN or an infinity, which jsonb cannot hold
};

// REQUIRES: not toasted, and aligned to four bytes, as the numbers of a jsonb are.
inline NumericDigits digits_of(const struct NumericData* numeric) {
  constexpr std::uint16_t sign_mask = 0xc000, is_negative_long = 0x4000, is_short = 0x8000, is_special = 0xc000;
  const auto* words = reinterpret_cast<const std::uint16_t*>(VARDATA_ANY(numeric));
  const int word_count = static_cast<int>(VARSIZE_ANY_EXHDR(numeric) / sizeof(std::uint16_t));
  const std::uint16_t header = words[0];
  const std::uint16_t sign = header & sign_mask;
  if (sign == is_special) return {nullptr, 0, 0, 0, false, true};
  if (sign == is_short) {
    const int weight = (header & 0x3f) - ((header & 0x40) != 0 ? 0x40 : 0);
    const auto* groups = reinterpret_cast<const std::int16_t*>(words + 1);
    return {groups, word_count - 1, weight, header >> 7 & 0x3f, (header & 0x2000) != 0, false};
  }
  const auto* groups = reinterpret_cast<const std::int16_t*>(words + 2);
  const int weight = static_cast<std::int16_t>(words[1]);
  return {groups, word_count - 2, weight, header & 0x3fff, sign == is_negative_long, false};
}

// How many digits numeric_out() writes, of a number below 1 the zero before the point included.
inline int printed_digits(const NumericDigits& digits) {
  if (digits.group_count == 0 || digits.weight < 0) return 1 + digits.scale;
  const int first = digits.groups[0];
  const int first_length = first < 10 ? 1 : first < 100 ? 2 : first < 1000 ? 3 : 4;
  return digits_in_group * digits.weight + first_length + digits.scale;
}

// The number as numeric_out() writes it, without its call and its copy; returns the end. Writes printed_digits(), a
// sign and a point at most.
char* write_plain(char* out, const NumericDigits& digits);

// At least what write_with_exponent() writes.
std::size_t exponent_form_bound(const NumericDigits& digits);

// The same number as digits and an exponent, 12e131070, without the zeros that it would end or begin with; returns the
// end.
char* write_with_exponent(char* out, const NumericDigits& digits);

}  // namespace audit::pg
