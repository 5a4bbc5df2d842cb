// The words, texts and numbers of a `filter`.
#pragma once

#include <cstddef>
#include <string_view>

#include "core_only.hpp"

namespace audit {

class FilterScanner {
 public:
  FilterScanner(std::string_view text, char* out) noexcept : text_(text), out_(out) {}

  // Where the next character stands, from 0.
  std::size_t at() const noexcept { return at_; }
  bool is_at_end() const noexcept { return at_ == text_.size(); }
  void skip_space() noexcept;
  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) noexcept;

  // The letters, digits, "_" and "-" that follow; perhaps none.
  std::string_view take_name() noexcept;
  // The word in lower case, if it follows in any case. It ends where a name would.
  bool take_word(std::string_view word) noexcept;

  // Of JSON, with the quotes; what it says is put behind `out`. False: see reason().
  bool take_text(std::string_view& text) noexcept;
  // Of JSON.
  bool take_number(std::string_view& number) noexcept;

  // Puts a copy behind `out`.
  std::string_view keep(std::string_view text) noexcept;
  void keep(char c) noexcept { *out_++ = c; }
  const char* kept_end() const noexcept { return out_; }

  const char* reason() const noexcept { return reason_; }

 private:
  bool fail(const char* reason) noexcept;
  bool take_digits() noexcept;
  bool take_escape() noexcept;
  bool take_unicode_escape() noexcept;
  bool take_hex4(unsigned& value) noexcept;
  void keep_character(unsigned code_point) noexcept;

  std::string_view text_;
  char* out_;
  std::size_t at_ = 0;
  const char* reason_ = nullptr;
};

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// `lower_case` has no upper-case letters.
constexpr bool equals_in_any_case(std::string_view text, std::string_view lower_case) noexcept {
  if (text.size() != lower_case.size()) return false;
  if (text == lower_case) return true;
  for (std::size_t i = 0; i < text.size(); i++)
    if (lower(text[i]) != lower_case[i]) return false;
  return true;
}

}  // namespace audit
