// Whose turn it is when a collector and a walker search for the same page, by what each has cost.
#pragma once

#include "core_only.hpp"

namespace audit {

class SearchRace {
 public:
  // The walker can prove a full page complete, and often has not far to go. So it starts, and they take turns by cost.
  // Without a full page it might have to walk the whole key. So the collector starts, and the walker gets a small
  // share.
  bool is_walkers_turn(bool is_page_full, bool is_walkers_last_step) const noexcept {
    if (is_page_full) return walker_ns_ <= collector_ns_ + head_start_ns_;
    if (is_walkers_last_step) return true;
    if (collector_ns_ < head_start_ns_) return false;
    return walker_share * walker_ns_ < collector_ns_;
  }

  void add_walkers_cost(double ns) noexcept { walker_ns_ += ns; }
  void add_collectors_cost(double ns) noexcept { collector_ns_ += ns; }

  // What the one that is expected to finish has cost.
  double favourites_cost_ns(bool is_page_full) const noexcept { return is_page_full ? walker_ns_ : collector_ns_; }

  // The way has become shorter for both.
  void begin_anew() noexcept { head_start_ns_ = walker_ns_ = collector_ns_ = 0; }

 private:
  static constexpr double walker_share = 4;

  double head_start_ns_ = 200'000;
  double walker_ns_ = 0;
  double collector_ns_ = 0;
};

}  // namespace audit
