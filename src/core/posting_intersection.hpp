// Finds what several descending lists have in common: the shortest list proposes, the others in turn are asked for
// their greatest member at or below the proposal, and the first that answers with less sends the shortest on to there.
// So a list is looked into only where all shorter ones agree, and whatever lies between is passed over unread.
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
// REQUIRES: the lists outlive this object. Best with the shortest list first. No lists have nothing in common.
template <typename List>
class PostingIntersection {
 public:
  PostingIntersection(List* lists, int count) noexcept : lists_(lists), count_(count) {}

  // found: `place` is the greatest common member at or below the target. paused: nothing in common is above `place`;
  // seek again from there. `look_limit` (>= 1): about how many looks into lists it takes at most.
  Seek seek_at_most(Tid target, int look_limit, Tid& place) {
    if (count_ == 0) return Seek::exhausted;
    for (int looks = 0; looks < look_limit;) {
      Tid candidate = 0;
      if (!lists_[0].seek_at_most(target, candidate)) return Seek::exhausted;
      int agreed = 1;
      for (target = candidate; agreed < count_ && target == candidate; agreed++)
        if (!lists_[agreed].seek_at_most(candidate, target)) return Seek::exhausted;
      if (target == candidate) {
        place = candidate;
        return Seek::found;
      }
      looks += agreed;
    }
    place = target;
    return Seek::paused;
  }

  // Whether all lists have it.
  bool contains(Tid tid) {
    for (int i = 0; i < count_; i++) {
      Tid found = 0;
      if (!lists_[i].seek_at_most(tid, found) || found != tid) return false;
    }
    return count_ > 0;
  }

 private:
  List* lists_;
  int count_;
};

}  // namespace audit
