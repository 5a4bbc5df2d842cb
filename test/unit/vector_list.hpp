// A descending list for PostingIntersection as simple as can be, which counts how often it is looked into.
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "posting_intersection.hpp"

namespace audit {

struct VectorList {
  std::vector<Tid> tids;  // ascending
  int proposed_max = 1000;
  bool tells_least = false;  // in retain(): of what it has not, no more than it must
  long looks = 0;

  bool seek_at_most(Tid target, Tid& found) {
    looks++;
    const auto above = std::upper_bound(tids.begin(), tids.end(), target);
    if (above == tids.begin()) return false;
    found = *std::prev(above);
    return true;
  }

  int propose(Tid target, Tid* out, int capacity) {
    looks++;
    const auto end = std::upper_bound(tids.begin(), tids.end(), target);
    const auto count = std::min<std::ptrdiff_t>(end - tids.begin(), std::min(capacity, proposed_max));
    std::copy(end - count, end, out);
    return static_cast<int>(count);
  }

  int retain(Tid* wanted, int count, Tid& free_from) {
    looks++;
    const auto above = std::upper_bound(tids.begin(), tids.end(), wanted[0]);
    free_from = above == tids.begin() ? 0 : *std::prev(above) + 1;
    if (tells_least) free_from = wanted[0];
    const auto is_missing = [this](Tid tid) { return !std::binary_search(tids.begin(), tids.end(), tid); };
    return static_cast<int>(std::remove_if(wanted, wanted + count, is_missing) - wanted);
  }
};

inline VectorList list_of(std::vector<Tid> tids) {
  VectorList list;
  list.tids = std::move(tids);
  return list;
}

}  // namespace audit
