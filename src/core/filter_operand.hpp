// Which operators and values each kind of column takes in a `filter`.
#pragma once

#include <string_view>

#include "core_only.hpp"
#include "event_columns.hpp"
#include "filter_tree.hpp"

namespace audit {

// A value as it is written.
struct FilterValueToken {
  enum class Kind { text, number, boolean, null } kind;
  std::string_view text;  // of a text: what it says
};

// ne among them.
enum class FilterWord : std::uint8_t { eq, ne, co, sw, ew, gt, ge, lt, le, pr, unknown };

FilterWord filter_word(std::string_view name) noexcept;
bool takes_operator(ColumnKind column, FilterWord word) noexcept;

// For errors: the operators of that kind of column, and the values that one of them takes there.
const char* operators_of(ColumnKind column) noexcept;
const char* values_of(ColumnKind column, FilterWord word) noexcept;

// Sets the node's operator, negation and operand. False: the column does not take that value with that operator.
// REQUIRES: takes_operator(column, word), and the token's text remains.
bool set_operand(ColumnKind column, FilterWord word, const FilterValueToken& token, FilterNode& node) noexcept;

}  // namespace audit
