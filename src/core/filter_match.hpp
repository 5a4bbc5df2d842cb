// Whether an event matches a filter, and the comparisons of each type. What a filter does not define is settled here:
// text is compared by bytes, and NaN and infinity are missing values, as in JSON.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"
#include "filter_tree.hpp"

namespace audit {

// Row has bool matches(const FilterNode& term): whether the row's value fits the term, whose negation does not count. A
// missing value fits no term. Rows are asked only for terms that can decide.
template <typename Row>
bool matches_filter(const FilterTree& tree, Row& row) {
  bool value = false;
  for (int i = 0; i < tree.node_count; i++) {
    const FilterNode* node = &tree.nodes[static_cast<std::size_t>(i)];
    // The operands of a join before this one did not decide, so a join is what its right operand is.
    if (!is_join(node->op)) value = row.matches(*node);
    value ^= node->is_negated;
    // A left operand that decides makes the right one needless.
    while (node->join != 0 && value == (tree.nodes[node->join].op == FilterOp::any)) {
      i = node->join;
      node = &tree.nodes[node->join];
      value ^= node->is_negated;
    }
  }
  return value;
}

// `order` is below, at or above zero as the value is below, at or above the operand.
constexpr bool fits_order(FilterOp op, int order) noexcept {
  switch (op) {
    case FilterOp::eq: return order == 0;
    case FilterOp::gt: return order > 0;
    case FilterOp::ge: return order >= 0;
    case FilterOp::lt: return order < 0;
    case FilterOp::le: return order <= 0;
    default: return op == FilterOp::pr;
  }
}

constexpr bool fits_text(FilterOp op, std::string_view value, std::string_view operand) noexcept {
  switch (op) {
    case FilterOp::eq: return value == operand;
    case FilterOp::co: return value.find(operand) != std::string_view::npos;
    case FilterOp::sw: return value.substr(0, operand.size()) == operand;
    case FilterOp::ew: return value.size() >= operand.size() && value.substr(value.size() - operand.size()) == operand;
    default: return fits_order(op, value.compare(operand));
  }
}

constexpr bool fits_integer(FilterOp op, std::int64_t value, std::int64_t operand) noexcept {
  return fits_order(op, value < operand ? -1 : value > operand ? 1 : 0);
}

inline bool fits_real(FilterOp op, double value, double operand) noexcept {
  return std::isfinite(value) && fits_order(op, value < operand ? -1 : value > operand ? 1 : 0);
}

}  // namespace audit
