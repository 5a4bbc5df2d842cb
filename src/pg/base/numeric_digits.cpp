// Digits of numerics: see the header. The layout is that of NumericData in numeric.c, which is also what tables hold:
// it has been the same since 9.1.
#include "base/numeric_digits.hpp"

namespace audit::pg {
namespace {

constexpr std::uint16_t sign_mask = 0xc000, is_negative_long = 0x4000, is_short = 0x8000, is_special = 0xc000;
constexpr int digits_in_group = 4;

struct ShortHeader {
  std::uint16_t bits;
  int weight() const { return (bits & 0x3f) - ((bits & 0x40) != 0 ? 0x40 : 0); }
  int scale() const { return bits >> 7 & 0x3f; }
  bool is_negative() const { return (bits & 0x2000) != 0; }
};

int length_of(std::int16_t group) { return group < 10 ? 1 : group < 100 ? 2 : group < 1000 ? 3 : 4; }

}  // namespace

NumericDigits digits_of(const NumericData* numeric) {
  const auto* words = reinterpret_cast<const std::uint16_t*>(VARDATA_ANY(numeric));
  const int word_count = static_cast<int>(VARSIZE_ANY_EXHDR(numeric) / sizeof(std::uint16_t));
  const std::uint16_t sign = words[0] & sign_mask;
  if (sign == is_special) return {nullptr, 0, 0, 0, false, true};
  if (sign == is_short) {
    const ShortHeader header{words[0]};
    return {reinterpret_cast<const std::int16_t*>(words + 1),
            word_count - 1,
            header.weight(),
            header.scale(),
            header.is_negative(),
            false};
  }
  return {reinterpret_cast<const std::int16_t*>(words + 2),
          word_count - 2,
          static_cast<std::int16_t>(words[1]),
          words[0] & 0x3fff,
          sign == is_negative_long,
          false};
}

int printed_digits(const NumericDigits& digits) {
  if (digits.group_count == 0 || digits.weight < 0) return 1 + digits.scale;
  return digits_in_group * digits.weight + length_of(digits.groups[0]) + digits.scale;
}

std::size_t exponent_form_bound(const NumericDigits& digits) {
  constexpr std::size_t sign_and_exponent = 1 + 1 + 11;
  return sign_and_exponent + static_cast<std::size_t>(digits_in_group) * static_cast<std::size_t>(digits.group_count);
}

char* write_with_exponent(char* out, const NumericDigits& digits) {
  if (digits.group_count == 0) return write_bytes(out, "0");
  if (digits.is_negative) *out++ = '-';
  out = write_json_integer(out, digits.groups[0]);
  for (int i = 1; i < digits.group_count; i++) {
    int rest = digits.groups[i];
    for (int place = digits_in_group - 1; place >= 0; place--, rest /= 10)
      out[place] = static_cast<char>('0' + rest % 10);
    out += digits_in_group;
  }
  int exponent = digits_in_group * (digits.weight - digits.group_count + 1);
  for (; out[-1] == '0'; out--) exponent++;
  if (exponent == 0) return out;
  *out++ = 'e';
  return write_json_integer(out, exponent);
}

}  // namespace audit::pg
