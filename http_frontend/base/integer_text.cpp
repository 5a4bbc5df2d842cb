#include "base/integer_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace audit::httpd {
namespace {

// Unicode's White_Space, as UTF-8.
constexpr std::array<std::string_view, 25> white_space{" ",
                                                       "\t",
                                                       "\n",
                                                       "\v",
                                                       "\f",
                                                       "\r",
                                                       "\xC2\x85",
                                                       "\xC2\xA0",
                                                       "\xE1\x9A\x80",
                                                       "\xE2\x80\x80",
                                                       "\xE2\x80\x81",
                                                       "\xE2\x80\x82",
                                                       "\xE2\x80\x83",
                                                       "\xE2\x80\x84",
                                                       "\xE2\x80\x85",
                                                       "\xE2\x80\x86",
                                                       "\xE2\x80\x87",
                                                       "\xE2\x80\x88",
                                                       "\xE2\x80\x89",
                                                       "\xE2\x80\x8A",
                                                       "\xE2\x80\xA8",
                                                       "\xE2\x80\xA9",
                                                       "\xE2\x80\xAF",
                                                       "\xE2\x81\x9F",
                                                       "\xE3\x80\x80"};

std::string_view trim(std::string_view text) {
  const auto starts = [&](std::string_view space) { return text.substr(0, space.size()) == space; };
  const auto ends = [&](std::string_view space) {
    return text.size() >= space.size() && text.substr(text.size() - space.size()) == space;
  };
  for (;;) {
    const auto first = std::find_if(white_space.begin(), white_space.end(), starts);
    if (first == white_space.end()) break;
    text.remove_prefix(first->size());
  }
  for (;;) {
    const auto last = std::find_if(white_space.begin(), white_space.end(), ends);
    if (last == white_space.end()) break;
    text.remove_suffix(last->size());
  }
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The text without `.000`; a point must have zeros after it, and nothing else.
std::string_view without_zero_fraction(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos || point + 1 == text.size()) return text;
  return text.find_first_not_of('0', point + 1) == std::string_view::npos ? text.substr(0, point) : text;
}

// Digits with single underscores between them.
bool is_digit_text(std::string_view text) {
  bool is_after_digit = false;
  for (const char c : text) {
    if (!is_digit(c) && !(c == '_' && is_after_digit)) return false;
    is_after_digit = is_digit(c);
  }
  return is_after_digit;
}

}  // namespace

IntegerText parse_integer(std::string_view text) {
  text = without_zero_fraction(trim(text));
  const bool is_negative = !text.empty() && text.front() == '-';
  if (is_negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (!is_digit_text(text)) return {IntegerStatus::malformed, 0};
  std::string digits(is_negative ? "-" : "");
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_digit);
  std::int64_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc()) {
    return {IntegerStatus::ok, value};
  }
  return {is_negative ? IntegerStatus::too_small : IntegerStatus::too_large, 0};
}

}  // namespace audit::httpd
