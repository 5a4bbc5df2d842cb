// The digits of a numeric, read where they lie.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct NumericDigits {
  const std::int16_t* groups;  // of four decimal digits, the highest first, none at the end that is zero
  int group_count;
  int weight;  // the first group counts 10000 ^ weight
  int scale;   // digits behind the point
  bool is_negative;
  bool is_special;  // NaN or an infinity, which jsonb cannot hold
};

// REQUIRES: not toasted, and aligned to four bytes, as the numbers of a jsonb are.
NumericDigits digits_of(const struct NumericData* numeric);

// How many digits numeric_out() writes, of a number below 1 the zero before the point included.
int printed_digits(const NumericDigits& digits);

// At least what write_with_exponent() writes.
std::size_t exponent_form_bound(const NumericDigits& digits);

// The same number as digits and an exponent, 12e131070, without the zeros that it would end or begin with; returns the
// end.
char* write_with_exponent(char* out, const NumericDigits& digits);

}  // namespace audit::pg
