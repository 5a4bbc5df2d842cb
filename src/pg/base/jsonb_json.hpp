// jsonb as JSON text, written straight into the result.
#pragma once

#include "base/json_buffer.hpp"

namespace audit::pg {

// Appends the text that jsonb_out gives, to the byte (a space behind each comma and colon), with one exception. Numbers
// of more than number_digits_max digits are written with an exponent. So the text is at most json_size_factor_max times
// the jsonb. Walks the tree in place, without PostgreSQL's iterator and without a C string in between. Raises 54001 if
// the nesting is too deep.
void append_jsonb(JsonBuffer& json, Jsonb* value);

// 1e999 takes 12 bytes of a jsonb, and a thousand digits, a sign, a point and what separates it as text.
constexpr std::size_t json_size_factor_max = 84;

// Not less than that of the smallest text: [1, 2] takes 12 bytes an element of the jsonb.
constexpr std::size_t json_size_divisor_max = 8;

}  // namespace audit::pg
