// Finds the newest events that match, in one partition, exactly in the order of the list.
#pragma once

#include "engine/page_search.hpp"

namespace audit::pg {

// Brings search.found up to date with the partition, whose events are all of `partition_range`. `partition` must
// outlive what is found; false: nothing was found in it. Where only SQL can go on, the report says so. Memory: the
// current context.
bool search_partition(const PageSearch& search, EventPartition& partition, const KeyRange& partition_range);

}  // namespace audit::pg
