// Finds what several descending lists have in common, by leapfrog: each list in turn is asked for its greatest member
// at or below the place the others have come to, so that whatever lies between is passed over unread.
#pragma once

#include <cstdint>

#include "core_only.hpp"

namespace audit {

// Where a row is in its table; greater is further to the table's end. The core knows nothing else about it.
using Tid = std::uint64_t;
constexpr Tid tid_max = UINT64_MAX;

enum class Seek {
  found,
  exhausted,  // the lists have nothing in common at or below the target
  paused,     // the given number of looks is used up
};

// A List has: bool seek_at_most(Tid target, Tid& found), its greatest member <= target, or false where there is none.
// REQUIRES: `count` >= 1 lists that outlive this object.
template <typename List>
class PostingIntersection {
 public:
  PostingIntersection(List* lists, int count) noexcept : lists_(lists), count_(count) {}

  // found: `place` is the greatest common member at or below the target. paused: nothing in common is above `place`;
  // seek again from there. At most `look_limit` (>= 1) looks into lists.
  Seek seek_at_most(Tid target, int look_limit, Tid& place) {
    Tid candidate = target;
    int agreed = 0;
    for (int looks = 0; looks < look_limit; looks++) {
      Tid found = 0;
      if (!lists_[next_].seek_at_most(candidate, found)) return Seek::exhausted;
      agreed = found == candidate ? agreed + 1 : 1;
      candidate = found;
      next_ = next_ + 1 == count_ ? 0 : next_ + 1;
      if (agreed == count_) {
        place = candidate;
        return Seek::found;
      }
    }
    place = candidate;
    return Seek::paused;
  }

  // Whether all lists have it.
  bool contains(Tid tid) {
    for (int i = 0; i < count_; i++) {
      Tid found = 0;
      if (!lists_[i].seek_at_most(tid, found) || found != tid) return false;
    }
    return true;
  }

 private:
  List* lists_;
  int count_;
  int next_ = 0;
};

}  // namespace audit
