// What is known of the times of a table's events, range by range of its rows' addresses: what need not be looked at.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core_only.hpp"
#include "posting_intersection.hpp"

namespace audit {

// Ranges are of equal length, the first begins at address 0; nothing is known of what lies behind the last. The memory
// is the caller's, so that it needs no destructor.
class BlockRanges {
 public:
  // None: nothing is known of any address.
  BlockRanges() noexcept = default;

  // Nothing is known of them yet. REQUIRES: room for so many bounds, which remain; tids_per_range >= 1.
  BlockRanges(std::int64_t* newest_us, std::uint64_t count, Tid tids_per_range) noexcept
      : newest_us_(newest_us), count_(count), tids_per_range_(tids_per_range) {
    std::fill(newest_us, newest_us + count, INT64_MAX);
  }

  std::uint64_t count() const noexcept { return count_; }

  // No event of the range is from later than that. REQUIRES: range < count().
  void set_newest(std::uint64_t range, std::int64_t newest_us) noexcept { newest_us_[range] = newest_us; }

  // Whether there may be an event from that time or later at that address.
  bool may_hold(Tid tid, std::int64_t from_us) const noexcept {
    const std::uint64_t range = tid / tids_per_range_;
    return range >= count_ || newest_us_[range] >= from_us;
  }

  // The greatest address at or below the target where there may be an event from that time or later; false: nowhere.
  bool seek_at_most(Tid target, std::int64_t from_us, Tid& found) const noexcept {
    found = target;
    if (may_hold(target, from_us)) return true;
    std::uint64_t range = target / tids_per_range_;
    while (range > 0 && newest_us_[range - 1] < from_us) range--;
    found = range * tids_per_range_ - 1;
    return range > 0;
  }

 private:
  std::int64_t* newest_us_ = nullptr;
  std::uint64_t count_ = 0;
  Tid tids_per_range_ = 1;
};

}  // namespace audit
