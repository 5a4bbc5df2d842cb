// The search of a partition. Two searches race for the proof that nothing newer is left (docs/posting_engine.md):
//  - The collector (tid_collector.hpp) fetches what may match by row address. It has proved nothing until it has been
//    through the whole table. But it fills the page soon, since the order of addresses is nearly the order of time.
//  - The walker (key_walker.hpp) goes down the primary key, which is the order of the list. It passes over what the
//    collector has passed. It is done at the first entry older than the worst event kept.
// Both hand addresses to one RowFetcher, which decides what is kept. SearchRace decides whose turn it is.
#include "engine/partition_search.hpp"

#include "engine/filter_candidates.hpp"
#include "engine/key_walk.hpp"
#include "engine/range_reader.hpp"
#include "engine/row_fetcher.hpp"

namespace audit::pg {
namespace {

constexpr double least_cost_before_ranges_ns = 20'000;
constexpr int looks_at_a_time = 1000;

// Rough, for comparing the two searches only; measured on one machine, and only their relations matter.
double cost_ns(const SearchReport& report) {
  return 1200.0 * static_cast<double>(report.index_pages_read) + 2.0 * static_cast<double>(report.tids_decoded) +
         4.0 * static_cast<double>(report.keys_walked) + 1000.0 * static_cast<double>(report.heap_tuples_fetched);
}

// The walk through the primary key, which is opened when it is needed first.
class PartitionWalk {
 public:
  PartitionWalk(EventPartition& partition, const EventKey& before, SearchReport* report)
      : partition_(partition), before_(before), report_(report) {}

  // False too where only SQL can go on, which the report says.
  bool next_page() { return (walk_ != nullptr || begin()) && walk_->next_page(); }
  int size() const { return walk_->size(); }
  Tid tid(int i) const { return walk_->tid(i); }
  EventKey key(int i) const { return walk_->key(i); }
  bool is_last_page() const { return walk_->is_last_page(); }

 private:
  bool begin() {
    if (!open_primary_key(partition_, report_->sql_reason)) return false;
    walk_ = static_cast<KeyWalk*>(palloc(sizeof(KeyWalk)));
    walk_->begin(partition_.table, partition_.primary_key, before_, report_);
    pgstat_count_index_scan(partition_.primary_key);
    return true;
  }

  EventPartition& partition_;
  EventKey before_;
  SearchReport* report_;
  KeyWalk* walk_ = nullptr;
};

// The walker's own position in the candidates: it jumps about where the collector goes straight down.
class WalkersCandidates {
 public:
  WalkersCandidates(const FilterCandidates& candidates, bool has_lists, const EventPartition& partition,
                    const PageSearch& search)
      : candidates_(candidates), has_lists_(has_lists), partition_(partition), search_(search) {}

  bool contains(Tid tid) {
    if (!has_lists_) return true;
    if (!has_begun_) reader_ = read_candidates(candidates_, partition_, lists_, search_.report);
    has_begun_ = true;
    return reader_.contains(tid);
  }

 private:
  const FilterCandidates& candidates_;
  bool has_lists_;
  const EventPartition& partition_;
  const PageSearch& search_;
  PostingList lists_[filter_count];
  CandidateTids<PostingList> reader_ = no_candidates();
  bool has_begun_ = false;
};

class PartitionSearch {
 public:
  PartitionSearch(const PageSearch& search, EventPartition& partition, const KeyRange& partition_range)
      : search_(search),
        partition_(partition),
        range_(intersect(search.range, partition_range)),
        is_cut_above_(compare(range_.before, partition_range.before) < 0),
        is_cut_below_(compare(range_.from, partition_range.from) > 0),
        has_lists_(has_lists(search, partition.shape)),
        rows_(search, partition, range_),
        walk_(partition, range_.before, search.report),
        walkers_candidates_(candidates_, has_lists_, partition, search),
        walker_(walk_, walkers_candidates_, rows_) {}

  bool run();

 private:
  bool find_where_to_begin();
  Tid start_below_page() const;
  void race();
  bool is_walkers_turn() const;
  void collect();
  void consider_ranges();

  const PageSearch& search_;
  EventPartition& partition_;
  KeyRange range_;
  bool is_cut_above_;  // by a cursor or `until`: the partition may hold newer events than are looked for
  bool is_cut_below_;  // by `since`
  bool has_lists_;     // else the walker searches alone
  RowFetcher rows_;
  FilterCandidates candidates_{};

  PostingList collectors_lists_[filter_count];
  TidCollector<PostingList> collector_{no_candidates()};

  PartitionWalk walk_;
  WalkersCandidates walkers_candidates_;
  KeyWalker<PartitionWalk, WalkersCandidates, RowFetcher> walker_;

  SearchRace race_;
  bool are_ranges_settled_ = false;  // they are read, or cannot be
  double cost_before_ranges_ns_ = least_cost_before_ranges_ns;
};
static_assert(std::is_trivially_destructible_v<PartitionSearch>);

bool PartitionSearch::run() {
  if (!is_empty(range_) && find_where_to_begin()) race();
  rows_.end();
  return rows_.has_kept_any();
}

// False where there is nothing to look for.
bool PartitionSearch::find_where_to_begin() {
  // With the page full already (the default partition comes last), one look at the newest entry is often enough.
  if (search_.found->is_full() && (!walker_.load_page() || walker_.is_page_too_old())) return false;
  if (!has_lists_) return true;
  if (!find_candidates(search_, partition_, candidates_)) return false;
  collector_.begin(read_candidates(candidates_, partition_, collectors_lists_, search_.report));
  if (!is_cut_above_) return true;
  if (!walker_.load_page()) return false;
  collector_.start_at(start_below_page());
  return true;
}

// Where the events older than the page's first are likely to begin. The walker makes a wrong guess good.
Tid PartitionSearch::start_below_page() const {
  constexpr int sample_max = 32;
  Tid sample[sample_max];
  const int count = Min(walk_.size(), sample_max);
  for (int i = 0; i < count; i++) sample[i] = walk_.tid(i * walk_.size() / count);
  return guess_sweep_start(sample, count) | ((1 << tid_offset_bits) - 1);
}

void PartitionSearch::race() {
  while (!walker_.is_done() && !collector_.is_done()) {
    CHECK_FOR_INTERRUPTS();
    consider_ranges();
    const double before_ns = cost_ns(*search_.report);
    if (is_walkers_turn()) {
      walker_.step(collector_);
      race_.add_walkers_cost(cost_ns(*search_.report) - before_ns);
    } else {
      collect();
      race_.add_collectors_cost(cost_ns(*search_.report) - before_ns);
    }
  }
}

bool PartitionSearch::is_walkers_turn() const {
  return !has_lists_ || race_.is_walkers_turn(search_.found->is_full(), walker_.is_last_step());
}

void PartitionSearch::collect() {
  Tid found = 0;
  if (collector_.step(rows_.oldest_wanted().created_at_us, looks_at_a_time, found)) rows_.fetch(found);
}

// The ranges are read once the search would be lost without them: it has cost as much as reading them does. Then the
// race begins anew, since the collector's way has become shorter.
void PartitionSearch::consider_ranges() {
  const bool is_page_full = search_.found->is_full();
  if (are_ranges_settled_ || !has_lists_ || !(is_page_full || is_cut_below_)) return;
  const double cost_so_far_ns = race_.favourites_cost_ns(is_page_full);
  if (cost_so_far_ns < cost_before_ranges_ns_) return;
  if (!open_range_index(partition_)) {
    are_ranges_settled_ = true;
    return;
  }
  cost_before_ranges_ns_ = ranges_cost_ns(partition_.range_index);
  if (cost_so_far_ns < cost_before_ranges_ns_) return;
  collector_.set_ranges(read_block_ranges(partition_.table, partition_.range_index, range_.before, search_.report));
  are_ranges_settled_ = true;
  race_.begin_anew();
}

}  // namespace

bool search_partition(const PageSearch& search, EventPartition& partition, const KeyRange& partition_range) {
  return PartitionSearch(search, partition, partition_range).run();
}

}  // namespace audit::pg
