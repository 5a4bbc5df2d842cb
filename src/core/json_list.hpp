// Finds the elements of a JSON list without parsing them, so that each can be parsed alone. This takes memory for only
// one of them, and a cancel can stop the parsing in between.
#pragma once

#include <cstddef>
#include <string_view>

#include "core_only.hpp"

namespace audit {

class JsonList {
 public:
  explicit JsonList(std::string_view text) noexcept;

  // Whether the text begins as a list.
  bool is_list() const noexcept { return is_list_; }

  // The next element, or false behind the last. The caller's parser finds every fault inside an element. If the list
  // itself is not well-formed, the whole text comes as one more element. REQUIRES: is_list().
  bool next(std::string_view& element) noexcept;

 private:
  bool skip_element() noexcept;
  bool fail(std::string_view& element) noexcept;

  std::string_view text_;
  std::size_t at_ = 0;
  bool is_list_ = false;
  bool is_first_ = true;
  bool is_done_ = false;
};

// A lower bound of the size of JSON text with the same value, however it is written. It does not hold for objects that
// repeat a member.
std::size_t json_size_at_least(std::string_view text) noexcept;

}  // namespace audit
