// Intersects several descending lists. The shortest list proposes a batch of its next lower members. Each other list
// drops those it lacks and reports how far below it has none; the shortest list continues from there. So a list is read
// only where all shorter ones agree, and everything between is skipped.
//
// A seek in each list for one member at a time would find the same. It took half as long again where lists interleave.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core_only.hpp"

namespace audit {

// The place of a row in its table; greater is nearer to the table's end. The core knows nothing else about it.
using Tid = std::uint64_t;
constexpr Tid tid_max = UINT64_MAX;

enum class Seek {
  found,
  exhausted,  // the lists have nothing in common at or below the target
  paused,     // the given number of looks is used up
};

// A List has
//  - bool seek_at_most(Tid target, Tid& found): its greatest member <= target, or false if there is none;
//  - int propose(Tid target, Tid* tids, int capacity): its greatest members <= target, ascending, without gaps, at
//    least one if it has any. Returns how many;
//  - int retain(Tid* tids, int count, Tid& free_from): keeps those of the tids (ascending, at least one) that it has.
//    Returns how many. It has no member from free_from up to the first of the tids, except perhaps that first one.
// REQUIRES: the lists and the memory for a batch outlive this object. Best with the shortest list first. Without lists
// nothing is found.
template <typename List>
class PostingIntersection {
 public:
  PostingIntersection(List* lists, int list_count, Tid* batch, int batch_capacity) noexcept
      : lists_(lists), list_count_(list_count), batch_(batch), batch_capacity_(batch_capacity) {}

  // found: `place` is the greatest common member at or below the target. paused: nothing in common is above `place`;
  // seek again from there. `look_limit` (>= 1): about how many looks into lists it takes at most.
  Seek seek_at_most(Tid target, int look_limit, Tid& place) {
    if (list_count_ == 0) return Seek::exhausted;
    for (int looks = 0; looks < look_limit;) {
      if (target < floor_ || target > ceiling_) {
        const int count = propose_and_retain(target);
        if (count == 0) return Seek::exhausted;
        looks += count * list_count_;
      }
      ceiling_ = target;
      while (batch_count_ > 0 && batch_[batch_count_ - 1] > target) batch_count_--;
      if (batch_count_ > 0) {
        place = batch_[batch_count_ - 1];
        return Seek::found;
      }
      if (floor_ == 0) return Seek::exhausted;
      target = floor_ - 1;
    }
    place = target;
    return Seek::paused;
  }

  // Whether all lists have it.
  bool contains(Tid tid) {
    for (int i = 0; i < list_count_; i++) {
      Tid found = 0;
      if (!lists_[i].seek_at_most(tid, found) || found != tid) return false;
    }
    return list_count_ > 0;
  }

 private:
  // Returns how many were proposed. Batches grow: a page may need only a few members, but a long way down needs many.
  int propose_and_retain(Tid target) {
    batch_size_ = target + 1 == floor_ ? std::min(2 * batch_size_, batch_capacity_) : std::min(8, batch_capacity_);
    const int proposed = lists_[0].propose(target, batch_, batch_size_);
    batch_count_ = proposed;
    if (proposed > 0) floor_ = batch_[0];
    for (int i = 1; i < list_count_ && batch_count_ > 0; i++) {
      Tid free_from = 0;
      batch_count_ = lists_[i].retain(batch_, batch_count_, free_from);
      floor_ = std::min(floor_, free_from);
    }
    return proposed;
  }

  List* lists_;
  int list_count_;
  Tid* batch_;  // what the lists have in common from floor_ to ceiling_, ascending
  int batch_capacity_;
  int batch_size_ = 0;
  int batch_count_ = 0;
  Tid floor_ = 1;
  Tid ceiling_ = 0;
};

}  // namespace audit
