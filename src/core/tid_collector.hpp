// The collector: sweeps through a table by address and reports the rows that may match.
#pragma once

#include <cstdint>

#include "block_ranges.hpp"
#include "candidate_tids.hpp"
#include "core_only.hpp"
#include "tid_sweep.hpp"

namespace audit {

template <typename List>
class TidCollector {
 public:
  // REQUIRES: what the candidates are made of outlives this object.
  explicit TidCollector(const CandidateTids<List>& candidates) noexcept : candidates_(candidates) {}

  // REQUIRES: before the first step.
  void begin(const CandidateTids<List>& candidates) noexcept { candidates_ = candidates; }
  void start_at(Tid start) noexcept { sweep_ = TidSweep(start); }

  // From now on it leaves out addresses that can have no event new enough.
  void set_ranges(const BlockRanges& ranges) noexcept { ranges_ = ranges; }

  // Goes on until it has found a row, or has looked into lists about `look_limit` times. True: the row at `found` may
  // match, and may be from `from_us` or later. REQUIRES: !is_done(); `from_us` never goes down.
  bool step(std::int64_t from_us, int look_limit, Tid& found) {
    Tid target = sweep_.target();
    Seek seek = Seek::exhausted;
    if (ranges_.seek_at_most(target, from_us, target)) seek = candidates_.seek_at_most(target, look_limit, found);
    if (seek == Seek::exhausted || !sweep_.lies_ahead(found)) {
      sweep_.end_part();
      return false;
    }
    sweep_.go_on_at(seek == Seek::found ? found - 1 : found);
    return seek == Seek::found && ranges_.may_hold(found, from_us);
  }

  // Everything that may match has been found.
  bool is_done() const noexcept { return sweep_.is_done(); }

  // Whether the row at this address was found if it may match.
  bool has_passed(Tid tid) const noexcept { return sweep_.has_passed(tid); }

 private:
  CandidateTids<List> candidates_;
  BlockRanges ranges_;
  TidSweep sweep_;
};

}  // namespace audit
