// Reads what a BRIN index on created_at knows of the ranges of blocks that it sums up.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/search_report.hpp"
#include "engine/tids.hpp"

namespace audit::pg {

// About what reading them costs, in nanoseconds.
double ranges_cost_ns(Relation index);

// For each range of the table's blocks: what its newest event older than `before` may be. True of every event that was
// visible to some snapshot when this was called; nothing is known of a range that is not, or only being, summed up.
// REQUIRES: the index is a BRIN index on (created_at) with the class timestamptz_minmax_ops, and valid. Memory: the
// current context.
BlockRanges read_block_ranges(Relation table, Relation index, const EventKey& before, SearchReport* report);

}  // namespace audit::pg
