// What a page is made of while it is searched for: the filters, the range, and the best events found so far.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/gin_key.hpp"
#include "engine/page_filter.hpp"
#include "engine/search_report.hpp"
#include "partitions/event_partition.hpp"

namespace audit::pg {

// A found event: a copy of the row, and the partition whose row type it has. What SQL has found has that of
// audit_events.
struct FoundEvent {
  HeapTuple row;
  const EventPartition* partition;
};

struct GivenFilter {
  std::size_t number;  // which of filter_columns
  FilterValue value;
  GinKey key;     // but for the column, which may differ between partitions
  bool has_list;  // where a partition's index has the column: a network is no key
};

// What is looked for, and the best that has been found so far in all partitions.
struct PageSearch {
  GivenFilter filters[filter_count];
  int given_count;
  const PageFilter* filter;  // nullptr: none
  KeyRange range;
  Snapshot snapshot;
  NewestEvents<FoundEvent>* found;
  MemoryContext found_context;  // for the rows
  SearchReport* report;
};

}  // namespace audit::pg
