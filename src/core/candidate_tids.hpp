// The addresses of rows that may match. Some are those that all posting lists have in common. Others stand in a sorted
// array, because the lists do not show their rows yet. An address in both is found once.
#pragma once

#include <algorithm>

#include "core_only.hpp"
#include "posting_intersection.hpp"

namespace audit {

template <typename List>
class CandidateTids {
 public:
  // REQUIRES: `extras` are ascending, and remain while this is used.
  CandidateTids(PostingIntersection<List> lists, const Tid* extras, int extra_count) noexcept
      : lists_(lists), extras_(extras), extra_count_(extra_count) {}

  // As PostingIntersection.
  Seek seek_at_most(Tid target, int look_limit, Tid& place) {
    seek_lists(target, look_limit);
    const Tid* above = std::upper_bound(extras_, extras_ + extra_count_, target);
    const bool has_extra = above != extras_;
    if (has_extra && (seek_ == Seek::exhausted || above[-1] >= place_)) {
      place = above[-1];
      return Seek::found;
    }
    place = place_;
    return seek_;
  }

  bool contains(Tid tid) { return std::binary_search(extras_, extras_ + extra_count_, tid) || lists_.contains(tid); }

 private:
  // An answer of the lists for a higher target holds for this one too, unless the target is above the place that they
  // named.
  void seek_lists(Tid target, int look_limit) {
    const bool is_known = target <= target_ &&
                          (seek_ == Seek::exhausted || target > place_ || (seek_ == Seek::found && target == place_));
    if (is_known) return;
    target_ = target;
    seek_ = lists_.seek_at_most(target, look_limit, place_);
  }

  PostingIntersection<List> lists_;
  const Tid* extras_;
  int extra_count_;
  // Of the last look into the lists: from target_ down to place_ they have nothing in common.
  Tid target_ = 0;
  Tid place_ = tid_max;
  Seek seek_ = Seek::paused;
};

}  // namespace audit
