// The `filter` of a page, ready to be compared with rows.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct PageFilter {
  FilterTree tree;
  Datum numerics[FilterTree::nodes_max];  // of nodes with a decimal

  Datum numeric_of(const FilterNode& term) const { return numerics[&term - tree.nodes.data()]; }
};
static_assert(std::is_trivially_destructible_v<PageFilter>);

// In the current memory context. Raises 22023 (constraint name filter_invalid) where the text is no filter.
const PageFilter* read_page_filter(std::string_view text);

}  // namespace audit::pg
