#include "base/numeric_digits.hpp"

namespace audit::pg {
namespace {

// The group of that weight; zero where none is stored.
int group_at(const NumericDigits& digits, int weight) {
  const int i = digits.weight - weight;
  return i >= 0 && i < digits.group_count ? digits.groups[i] : 0;
}

char* write_group(char* out, int group) {
  for (int place = digits_in_group - 1; place >= 0; place--, group /= 10)
    out[place] = static_cast<char>('0' + group % 10);
  return out + digits_in_group;
}

}  // namespace

char* write_plain(char* out, const NumericDigits& digits) {
  if (digits.is_negative) *out++ = '-';
  out = write_json_integer(out, group_at(digits, Max(digits.weight, 0)));
  for (int weight = digits.weight - 1; weight >= 0; weight--) out = write_group(out, group_at(digits, weight));
  if (digits.scale == 0) return out;
  *out++ = '.';
  char last[digits_in_group];
  int left = digits.scale, weight = -1;
  for (; left >= digits_in_group; left -= digits_in_group) out = write_group(out, group_at(digits, weight--));
  write_group(last, group_at(digits, weight));
  return write_bytes(out, {last, static_cast<std::size_t>(left)});
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
    out = write_group(out, digits.groups[i]);
  }
  int exponent = digits_in_group * (digits.weight - digits.group_count + 1);
  for (; out[-1] == '0'; out--) exponent++;
  if (exponent == 0) return out;
  *out++ = 'e';
  return write_json_integer(out, exponent);
}

}  // namespace audit::pg
