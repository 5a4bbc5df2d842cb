// Reads the summaries of a BRIN index on created_at.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/search_report.hpp"
#include "engine/tids.hpp"

namespace audit::pg {

// About what reading them costs, in nanoseconds.
double ranges_cost_ns(Relation index);

// For each range of the table's blocks: an upper bound of created_at of its newest event older than `before`. It holds
// for every event that was visible to some snapshot when this was called. A range without a complete summary has no
// bound. REQUIRES: the index is a valid BRIN index on (created_at) with the class timestamptz_minmax_ops. Memory: the
// current context.
BlockRanges read_block_ranges(Relation table, Relation index, const EventKey& before, SearchReport* report);

}  // namespace audit::pg
