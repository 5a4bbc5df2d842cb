// Finds the elements of a JSON list without reading them, so that each can be parsed by itself: memory is needed for
// one only, and whoever waits can stop in between.
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

  // The next element, or false behind the last. Whoever parses them finds all that is wrong within; where the list
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

// Not more than JSON text of the same value takes, however it is written, unless it has members twice.
std::size_t json_size_at_least(std::string_view text) noexcept;

}  // namespace audit
