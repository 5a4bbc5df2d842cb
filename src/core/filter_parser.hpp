// Reads `filter`: the grammar of SCIM (RFC 7644, section 3.4.2.2, with errata 4670 and 7319) without value paths.
//
//   filter = and *("or" and)
//   and    = factor *("and" factor)
//   factor = ["not"] "(" filter ")" / field "pr" / field operator value
//   field  = column / "event_payload" *("." name)
//   name   = 1*(letter / digit / "_" / "-") / text
//   value  = text / number / "true" / "false" / "null", as in JSON
//
// Operators, columns and words are read in any case, names of the payload as they are written.
#pragma once

#include <cstddef>
#include <string_view>

#include "core_only.hpp"
#include "filter_tree.hpp"

namespace audit {

struct FilterError {
  const char* reason = nullptr;
  const char* expected = nullptr;  // what may stand there; nullptr: nothing would help
  std::size_t place = 0;           // byte of the text, from 1
};

// False: the error is set. What is not understood is an error, never a wider filter. Takes time and memory that
// filter_text_size_max, filter_terms_max and filter_depth_max bound.
bool parse_filter(std::string_view text, FilterTree& tree, FilterError& error) noexcept;

}  // namespace audit
