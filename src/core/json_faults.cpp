// The reader calls itself for what is nested, as deep as an event may be and no deeper.
#include "json_faults.hpp"

#include <algorithm>

#include "event_columns.hpp"

namespace audit {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

class Scanner {
 public:
  Scanner(std::string_view text, JsonFault& place) noexcept : text_(text), place_(place) {}

  // One document. Each function here is false, and the place complete, at the first fault.
  bool read_document(bool may_be_list) noexcept {
    skip_space();
    if (may_be_list && peek() == '[') {
      event_depth_ = 2;
    } else {
      place_.has_event = peek() == '{' || !may_be_list;
    }
    if (!read_value(1)) return false;
    skip_space();
    return at_ == text_.size() || fail(JsonFaultKind::malformed);
  }

 private:
  bool fail(JsonFaultKind kind) noexcept {
    place_.kind = kind;
    return false;
  }

  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char c) noexcept {
    if (peek() != c) return false;
    at_++;
    return true;
  }

  void skip_space() noexcept {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) at_++;
  }

  bool read_value(int depth) noexcept {
    skip_space();
    switch (peek()) {
      case '{': return read_object(depth);
      case '[': return read_array(depth);
      case '"': return read_string();
      case 't': return read_word("true");
      case 'f': return read_word("false");
      case 'n': return read_word("null");
      default: return read_number();
    }
  }

  bool read_word(std::string_view word) noexcept {
    if (text_.substr(at_, word.size()) != word) return fail(JsonFaultKind::malformed);
    at_ += word.size();
    return true;
  }

  bool is_too_deep(int depth) const noexcept { return depth - event_depth_ > payload_depth_max; }

  bool read_object(int depth) noexcept {
    if (is_too_deep(depth)) return fail(JsonFaultKind::deep);
    at_++;
    skip_space();
    if (take('}')) return true;
    do {
      if (!read_member(depth)) return false;
      skip_space();
    } while (take(','));
    return take('}') || fail(JsonFaultKind::malformed);
  }

  bool read_member(int depth) noexcept {
    const bool is_of_event = depth == event_depth_;
    if (is_of_event) place_.member = {};
    skip_space();
    const std::size_t begin = at_ + 1;
    if (!read_string()) return false;
    if (is_of_event) place_.member = text_.substr(begin, at_ - 1 - begin);
    skip_space();
    return (take(':') || fail(JsonFaultKind::malformed)) && read_value(depth + 1);
  }

  bool read_array(int depth) noexcept {
    if (is_too_deep(depth)) return fail(JsonFaultKind::deep);
    const bool is_list = depth < event_depth_;
    at_++;
    skip_space();
    if (take(']')) return true;
    do {
      if (is_list) begin_event();
      if (!read_value(depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take(']') || fail(JsonFaultKind::malformed);
  }

  void begin_event() noexcept {
    if (place_.has_event) place_.event++;
    place_.has_event = true;
    place_.member = {};
  }

  bool read_string() noexcept {
    if (!take('"')) return fail(JsonFaultKind::malformed);
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) break;
      if (c == '\\' && !read_escape()) return false;
    }
    return fail(JsonFaultKind::malformed);
  }

  bool read_escape() noexcept {
    const char c = peek();
    at_++;
    if (c != 'u')
      return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos || fail(JsonFaultKind::malformed);
    const int unit = read_code_unit();
    if (unit < 0) return fail(JsonFaultKind::malformed);
    if (unit == 0) return fail(JsonFaultKind::nul);
    if (unit >= 0xdc00 && unit <= 0xdfff) return fail(JsonFaultKind::surrogate);
    if (unit < 0xd800 || unit > 0xdbff) return true;
    const bool is_pair = take('\\') && take('u');
    const int low = is_pair ? read_code_unit() : 0;
    return (low >= 0xdc00 && low <= 0xdfff) || fail(low < 0 ? JsonFaultKind::malformed : JsonFaultKind::surrogate);
  }

  // -1: no four hexadecimal digits.
  int read_code_unit() noexcept {
    int unit = 0;
    for (int i = 0; i < 4; i++) {
      const int digit = hex_digit(peek());
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
      at_++;
    }
    return unit;
  }

  std::size_t count_digits() noexcept {
    const std::size_t begin = at_;
    while (is_digit(peek())) at_++;
    return at_ - begin;
  }

  bool read_number() noexcept {
    take('-');
    const bool begins_with_zero = peek() == '0';
    const std::size_t whole = count_digits();
    if (whole == 0 || (begins_with_zero && whole > 1)) return fail(JsonFaultKind::malformed);
    std::size_t places = 0;
    if (take('.')) {
      places = count_digits();
      if (places == 0) return fail(JsonFaultKind::malformed);
    }
    long exponent = 0;
    if (take('e') || take('E')) {
      if (!read_exponent(exponent)) return fail(JsonFaultKind::malformed);
    }
    const long digits_before = std::max(static_cast<long>(whole) + exponent, 1L);
    const long digits_behind = std::max(static_cast<long>(places) - exponent, 0L);
    return digits_before + digits_behind <= number_digits_max || fail(JsonFaultKind::long_number);
  }

  bool read_exponent(long& exponent) noexcept {
    constexpr long enough = 1'000'000'000;
    const bool is_negative = take('-');
    if (!is_negative) take('+');
    if (!is_digit(peek())) return false;
    for (; is_digit(peek()); at_++) exponent = std::min(exponent * 10 + (peek() - '0'), enough);
    if (is_negative) exponent = -exponent;
    return true;
  }

  std::string_view text_;
  JsonFault& place_;
  std::size_t at_ = 0;
  int event_depth_ = 1;
};

}  // namespace

JsonFault find_json_fault(std::string_view text, bool is_ndjson) noexcept {
  JsonFault place;
  if (!is_ndjson) {
    Scanner(text, place).read_document(true);
    return place;
  }
  std::size_t event_count = 0;
  for (; !text.empty(); place.line++) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    place.event = event_count++;
    place.member = {};
    if (!Scanner(line, place).read_document(false)) break;
  }
  return place;
}

}  // namespace audit
