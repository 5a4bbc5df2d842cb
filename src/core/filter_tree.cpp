#include "filter_tree.hpp"

#include <algorithm>

#include "event_columns.hpp"

namespace audit {
namespace {

void narrow(FilterTimes& times, FilterOp op, std::int64_t time_us) noexcept {
  // Times of a filter have years of four digits, so the neighbours exist.
  if (op == FilterOp::gt) times.since_us = std::max(times.since_us, time_us + 1);
  if (op == FilterOp::ge || op == FilterOp::eq) times.since_us = std::max(times.since_us, time_us);
  if (op == FilterOp::lt) times.until_us = std::min(times.until_us, time_us - 1);
  if (op == FilterOp::le || op == FilterOp::eq) times.until_us = std::min(times.until_us, time_us);
}

bool is_equality_of_column(const FilterNode& node) noexcept {
  const bool is_of_list =
      node.kind == OperandKind::text || node.kind == OperandKind::integer || node.kind == OperandKind::network;
  return is_of_list && node.op == FilterOp::eq && node.column != event_payload_column;
}

}  // namespace

FilterTimes filter_times(const FilterTree& tree) noexcept {
  FilterTimes times;
  for (int i = 0; i < tree.node_count; i++) {
    const FilterNode& node = tree.nodes[static_cast<std::size_t>(i)];
    if (node.is_required && !node.is_negated && node.kind == OperandKind::time) narrow(times, node.op, node.integer);
  }
  return times;
}

void add_required_values(const FilterTree& tree, EventFilters& filters) noexcept {
  for (int i = 0; i < tree.node_count; i++) {
    const FilterNode& node = tree.nodes[static_cast<std::size_t>(i)];
    if (!node.is_required || node.is_negated || !is_equality_of_column(node)) continue;
    const std::size_t filter = filter_of_column(node.column);
    if (filter < filter_count && !filters.values[filter])
      filters.values[filter] = FilterValue{node.integer, node.text, node.network};
  }
}

}  // namespace audit
