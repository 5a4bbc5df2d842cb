#include "filter_scanner.hpp"

#include <algorithm>

namespace audit {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_in_name(char c) noexcept {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '-';
}

constexpr int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

constexpr bool is_high_surrogate(unsigned code) noexcept { return code >= 0xd800 && code < 0xdc00; }
constexpr bool is_low_surrogate(unsigned code) noexcept { return code >= 0xdc00 && code < 0xe000; }

}  // namespace

bool FilterScanner::fail(const char* reason) noexcept {
  reason_ = reason;
  return false;
}

void FilterScanner::skip_space() noexcept {
  while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') at_++;
}

bool FilterScanner::take(char c) noexcept {
  if (is_at_end() || text_[at_] != c) return false;
  at_++;
  return true;
}

std::string_view FilterScanner::take_name() noexcept {
  const std::size_t begin = at_;
  while (is_in_name(peek())) at_++;
  return text_.substr(begin, at_ - begin);
}

bool FilterScanner::take_word(std::string_view word) noexcept {
  const std::size_t begin = at_;
  if (lower(peek()) == word.front() && equals_in_any_case(take_name(), word)) return true;
  at_ = begin;
  return fail("a value is missing");
}

bool FilterScanner::take_digits() noexcept {
  const std::size_t begin = at_;
  while (is_digit(peek())) at_++;
  return at_ > begin;
}

bool FilterScanner::take_number(std::string_view& number) noexcept {
  const std::size_t begin = at_;
  take('-');
  if (!take('0') && !take_digits()) return fail("a value is missing");
  if (take('.') && !take_digits()) return fail("a digit is missing");
  if (take('e') || take('E')) {
    if (!take('+')) take('-');
    if (!take_digits()) return fail("a digit is missing");
  }
  if (is_in_name(peek()) || peek() == '.') return fail("this is no number of JSON");
  number = text_.substr(begin, at_ - begin);
  return true;
}

bool FilterScanner::take_text(std::string_view& text) noexcept {
  const char* const begin = out_;
  at_++;
  while (!take('"')) {
    if (is_at_end()) return fail("a text has no closing quote");
    if (static_cast<unsigned char>(peek()) < 0x20) return fail("a text has a control character");
    if (!take('\\'))
      keep(text_[at_++]);
    else if (!take_escape())
      return false;
  }
  text = {begin, static_cast<std::size_t>(out_ - begin)};
  return true;
}

bool FilterScanner::take_escape() noexcept {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (take('u')) return take_unicode_escape();
  const std::size_t letter = is_at_end() ? std::string_view::npos : letters.find(peek());
  if (letter == std::string_view::npos) return fail("unknown escape in a text");
  keep(meanings[letter]);
  at_++;
  return true;
}

bool FilterScanner::take_unicode_escape() noexcept {
  unsigned code = 0, low = 0;
  if (!take_hex4(code)) return false;
  if (code == 0) return fail("a text cannot have U+0000");
  if (is_high_surrogate(code)) {
    if (!take('\\') || !take('u')) return fail("half of a surrogate pair");
    if (!take_hex4(low)) return false;
    if (!is_low_surrogate(low)) return fail("half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (is_low_surrogate(code)) {
    return fail("half of a surrogate pair");
  }
  keep_character(code);
  return true;
}

bool FilterScanner::take_hex4(unsigned& value) noexcept {
  value = 0;
  for (int i = 0; i < 4; i++) {
    const int digit = hex_digit(peek());
    if (digit < 0) return fail("\\u needs four hexadecimal digits");
    value = value << 4 | static_cast<unsigned>(digit);
    at_++;
  }
  return true;
}

// In UTF-8. An escape is longer than what it stands for.
void FilterScanner::keep_character(unsigned code_point) noexcept {
  if (code_point < 0x80) return keep(static_cast<char>(code_point));
  const int extra_bytes = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  const unsigned lead_bits[] = {0, 0xc0, 0xe0, 0xf0};
  keep(static_cast<char>(lead_bits[extra_bytes] | code_point >> (6 * extra_bytes)));
  for (int i = extra_bytes - 1; i >= 0; i--) keep(static_cast<char>(0x80 | (code_point >> (6 * i) & 0x3f)));
}

std::string_view FilterScanner::keep(std::string_view text) noexcept {
  const char* const begin = out_;
  out_ = std::copy(text.begin(), text.end(), out_);
  return {begin, text.size()};
}

}  // namespace audit
