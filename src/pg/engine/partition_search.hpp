// Finds the newest events that match, in one partition, exactly in the order of the list.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/gin_key.hpp"
#include "engine/page_request.hpp"
#include "engine/search_report.hpp"
#include "partitions/event_partition.hpp"

namespace audit::pg {

// A found event: a copy of the row, and the partition whose row type it has.
struct FoundEvent {
  HeapTuple row;
  const EventPartition* partition;
};

struct GivenFilter {
  std::size_t number;  // which of filter_columns
  GinKey key;          // but for the column, which may differ between partitions
};

// What is looked for, and the best that has been found so far in all partitions.
struct PageSearch {
  GivenFilter filters[filter_count];
  int given_count;
  KeyRange range;
  Snapshot snapshot;
  NewestEvents<FoundEvent>* found;
  MemoryContext found_context;  // for the rows
  SearchReport* report;
};

// Brings search.found up to date with the partition, whose events are all of `partition_range`. `partition` must
// outlive what is found; false: nothing was found in it. Where only SQL can go on, the report says so. Memory: the
// current context.
bool search_partition(const PageSearch& search, EventPartition& partition, const KeyRange& partition_range);

}  // namespace audit::pg
