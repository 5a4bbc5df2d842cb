// A way down through all addresses of a table. It may begin in the middle. Then its first part goes from there to the
// lowest address, and the second one from the highest address down to where it began.
#pragma once

#include <algorithm>

#include "core_only.hpp"
#include "posting_intersection.hpp"

namespace audit {

// Addresses begin at 1.
class TidSweep {
 public:
  // In one part, from the highest address.
  TidSweep() noexcept = default;
  explicit TidSweep(Tid start) noexcept : start_(start), target_(start) {}

  // Where the sweep goes on: of this part, every address above it has been passed.
  Tid target() const noexcept { return target_; }

  // REQUIRES: of this part, every address above `target` has been passed.
  void go_on_at(Tid target) noexcept { target_ = target; }

  // False for addresses that the first part had. REQUIRES: tid <= target().
  bool lies_ahead(Tid tid) const noexcept { return is_first_part_ || tid > start_; }

  void end_part() noexcept {
    is_done_ = !is_first_part_ || start_ == tid_max;
    is_first_part_ = false;
    target_ = tid_max;
  }

  bool is_done() const noexcept { return is_done_; }

  bool has_passed(Tid tid) const noexcept {
    if (is_done_) return true;
    return is_first_part_ ? tid > target_ && tid <= start_ : tid > target_ || tid <= start_;
  }

 private:
  Tid start_ = tid_max;
  Tid target_ = tid_max;
  bool is_first_part_ = true;
  bool is_done_ = false;
};

// The place where a sweep should begin to come early to the rows of this sample, and to older ones. It is a guess.
// Three quarters of the rows lie below the upper quartile of the sample. The rest lie about as far above it as it is
// above the median. A few rows that are far away do not move it. Sorts the sample. REQUIRES: count >= 1.
inline Tid guess_sweep_start(Tid* sample, int count) noexcept {
  std::sort(sample, sample + count);
  const Tid upper_quartile = sample[count * 3 / 4];
  return upper_quartile + (upper_quartile - sample[count / 2]);
}

}  // namespace audit
