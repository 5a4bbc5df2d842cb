#include "json_list.hpp"

namespace audit {
namespace {

constexpr std::string_view space = " \t\r\n";

bool is_space(char c) noexcept { return space.find(c) != std::string_view::npos; }

bool is_of_number(char c) noexcept { return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+'; }

// Whether an odd number of backslashes stands before the quote. Between two quotes each is looked at once.
bool is_escaped(std::string_view text, std::size_t quote) noexcept {
  std::size_t begin = quote;
  while (text[begin - 1] == '\\') begin--;
  return (quote - begin) % 2 != 0;
}

// Behind the string whose opening quote is at `at`; the text's end where it has none.
std::size_t end_of_string(std::string_view text, std::size_t at) noexcept {
  for (std::size_t quote = text.find('"', at + 1); quote != std::string_view::npos; quote = text.find('"', quote + 1))
    if (text[quote - 1] != '\\' || !is_escaped(text, quote)) return quote + 1;
  return text.size();
}

enum class Structure : unsigned char { none, quote, comma, open, close };

// By character: a lookup for each that no string holds.
struct Structures {
  Structure of[256] = {};
  constexpr Structures() noexcept {
    set("\"", Structure::quote);
    set(",", Structure::comma);
    set("[{", Structure::open);
    set("]}", Structure::close);
  }
  constexpr void set(std::string_view characters, Structure structure) noexcept {
    for (const char c : characters) of[static_cast<unsigned char>(c)] = structure;
  }
};
constexpr Structures structures;

// How many characters it has, at least, each escape for one.
std::size_t string_size(std::string_view text) noexcept {
  std::size_t size = text.size();
  for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
    const std::size_t escape = text.substr(at + 1, 1) == "u" ? 6 : 2;
    size -= escape < text.size() - at ? escape - 1 : 0;
    at = at + escape < text.size() ? at + escape : text.size();
  }
  return size;
}

}  // namespace

JsonList::JsonList(std::string_view text) noexcept : text_(text) {
  const std::size_t begin = text.find_first_not_of(space);
  is_list_ = begin != std::string_view::npos && text[begin] == '[';
  if (is_list_) at_ = begin + 1;
}

bool JsonList::fail(std::string_view& element) noexcept {
  element = text_;
  is_done_ = true;
  return true;
}

// To the comma or bracket behind the element; false: there is none.
bool JsonList::skip_element() noexcept {
  int depth = 0;
  for (std::size_t at = at_; at < text_.size();) {
    const Structure structure = structures.of[static_cast<unsigned char>(text_[at])];
    if (structure == Structure::none) {
      at++;
      continue;
    }
    if (structure == Structure::quote) {
      at = end_of_string(text_, at);
      continue;
    }
    if (depth == 0 && (structure == Structure::comma || text_[at] == ']')) {
      at_ = at;
      return true;
    }
    if (structure == Structure::open) depth++;
    if (structure == Structure::close && depth-- == 0) return false;
    at++;
  }
  return false;
}

bool JsonList::next(std::string_view& element) noexcept {
  if (is_done_) return false;
  const std::size_t begin = at_;
  if (!skip_element()) return fail(element);
  element = text_.substr(begin, at_ - begin);
  is_done_ = text_[at_++] == ']';
  if (is_done_ && text_.find_first_not_of(space, at_) != std::string_view::npos) return fail(element);
  const bool is_empty_list = is_first_ && is_done_ && element.find_first_not_of(space) == std::string_view::npos;
  is_first_ = false;
  return !is_empty_list;
}

std::size_t json_size_at_least(std::string_view text) noexcept {
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = end_of_string(text, at);
      size += string_size(text.substr(at, end - at));
      at = end;
      continue;
    }
    size += !is_space(c);
    at++;
    // However many digits it is written with, a number may be a single one.
    if (is_of_number(c))
      while (at < text.size() && (is_of_number(text[at]) || text[at] == '-')) at++;
  }
  return size;
}

}  // namespace audit
