// The rows of one partition that may match the given filters: what its filter index knows of each value.
#pragma once

#include "engine/page_search.hpp"
#include "engine/pending_list.hpp"
#include "engine/posting_reader.hpp"

namespace audit::pg {

struct FilterCandidates {
  Postings postings[filter_count];  // of the filters that have lists, the shortest first
  int list_count;                   // how many have; 0: one of the values is in no list
  PendingRows pending;
};

// Whether the partition has lists for any of the given filters. The report learns of those without.
bool has_lists(const PageSearch& search, const PartitionShape& shape);

// Reads the filter index. False: no row can match. Memory: the current context. REQUIRES: has_lists(), and the filter
// index is open.
bool find_candidates(const PageSearch& search, const EventPartition& partition, FilterCandidates& candidates);

// A reader of the candidates with a position of its own. It uses `lists`, which have room for one of each filter.
CandidateTids<PostingList> read_candidates(const FilterCandidates& candidates, const EventPartition& partition,
                                           PostingList* lists, SearchReport* report);

// Reads nothing.
inline CandidateTids<PostingList> no_candidates() { return {{nullptr, 0, nullptr, 0}, nullptr, 0}; }

}  // namespace audit::pg
