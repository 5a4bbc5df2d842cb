// A parsed `filter`: its terms and what joins them, in postfix order. It is checked against the columns: each operand
// has the type of its column, so that nothing can go wrong while rows are compared.
//
// `not` is a flag of the node it stands before. `ne` is `eq` with that flag, and `eq null` is `pr` with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "core_only.hpp"
#include "event_filters.hpp"
#include "inet_network.hpp"
#include "uuid_v7.hpp"

namespace audit {

constexpr std::size_t filter_text_size_max = 4096;
constexpr int filter_terms_max = 64;
constexpr int filter_depth_max = 16;  // of parentheses
constexpr int filter_path_names_max = 8;

enum class FilterOp : std::uint8_t { eq, co, sw, ew, gt, ge, lt, le, pr, all, any };

constexpr bool is_join(FilterOp op) noexcept { return op == FilterOp::all || op == FilterOp::any; }

enum class OperandKind : std::uint8_t {
  none,     // of pr
  text,     // of a text column or of the payload
  decimal,  // digits as JSON writes them, in `text`; of the payload
  boolean,  // 0 or 1 in `integer`; of the payload
  integer,
  real,
  time,  // in `integer`, as microseconds since 2000
  uuid,
  network,
};

struct FilterNode {
  FilterOp op;
  bool is_negated;
  bool is_required;    // no event matches the filter without matching this node
  std::uint8_t join;   // of a left operand: the index of its join; else 0
  std::uint8_t right;  // of a join: how many nodes its right operand has
  // The rest is of a term.
  OperandKind kind;
  std::uint8_t column;    // of event_columns
  std::string_view path;  // into the payload: names, each with a zero behind it; empty: the whole payload
  std::string_view text;
  std::int64_t integer;
  double real;
  Uuid uuid;
  InetNetwork network;
};

// Its views are of itself, so it stays where it is.
struct FilterTree {
  static constexpr int nodes_max = 2 * filter_terms_max - 1;

  FilterTree() noexcept = default;
  FilterTree(const FilterTree&) = delete;
  FilterTree& operator=(const FilterTree&) = delete;

  int node_count = 0;
  std::array<FilterNode, nodes_max> nodes;
  // Texts and names without quotes and escapes. They are never longer than what was written.
  std::array<char, filter_text_size_max> texts;

  const FilterNode& root() const noexcept { return nodes[static_cast<std::size_t>(node_count - 1)]; }
};
static_assert(std::is_trivially_destructible_v<FilterTree>);

// The bounds that a filter sets to created_at. Every event that matches is in them.
struct FilterTimes {
  std::int64_t since_us = INT64_MIN;  // inclusive
  std::int64_t until_us = INT64_MAX;  // inclusive
};
FilterTimes filter_times(const FilterTree& tree) noexcept;

// Sets filters that are not given to values that every event that matches has.
void add_required_values(const FilterTree& tree, EventFilters& filters) noexcept;

}  // namespace audit
