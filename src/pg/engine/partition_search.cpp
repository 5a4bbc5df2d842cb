// Two searches race for the proof that nothing newer is left:
//
//  - The collector goes down the table by row address: it intersects the posting lists and fetches what they have in
//    common, and what the pending list has. Address order is nearly the order of time, so it soon has a page full of
//    good events; it has proved nothing until it has been through all of the lists.
//  - The walker goes down the primary key, which is the order of the list. It passes over entries whose address the
//    collector has been past (if they match they were fetched), tests the others against the posting lists, and fetches
//    those that match. When it comes to an entry older than the worst event kept, nothing newer is left.
//
// On events stored in order the walker has little to test. In a badly ordered table it finds the page by itself if the
// filter is common, and the collector does if it is rare. Each runs on while the other has cost more, so the whole
// costs a small multiple of the cheaper one, whatever the data are like and without any statistics.
//
// Where the events of a page lie far apart even the cheaper one is long. So once it has cost as much as a look at what
// a BRIN index says of the blocks, that is taken, and the collector passes over blocks without anything new enough.
#include "engine/partition_search.hpp"

#include "engine/key_walk.hpp"
#include "engine/pending_list.hpp"
#include "engine/posting_reader.hpp"
#include "engine/range_reader.hpp"

namespace audit::pg {
namespace {

constexpr double head_start_ns = 200'000;
constexpr double least_cost_before_ranges_ns = 20'000;
constexpr int looks_at_a_time = 1000;
constexpr int batch_capacity = 256;  // about as many as a segment of a posting list has

// Rough, for comparing the two searches only; measured on one machine, and only their relations matter.
double cost_ns(const SearchReport& report) {
  return 1200.0 * static_cast<double>(report.index_pages_read) + 2.0 * static_cast<double>(report.tids_decoded) +
         4.0 * static_cast<double>(report.keys_walked) + 1000.0 * static_cast<double>(report.heap_tuples_fetched);
}

class PartitionSearch {
 public:
  PartitionSearch(const PageSearch& search, EventPartition& partition, const KeyRange& partition_range)
      : search_(search),
        partition_(partition),
        range_(intersect(search.range, partition_range)),
        is_cut_above_(compare(range_.before, partition_range.before) < 0),
        is_cut_below_(compare(range_.from, partition_range.from) > 0) {}

  bool run();

 private:
  bool find_where_to_begin();
  bool find_candidates();
  bool find_lists(const GinKey* keys);
  void sort_lists();
  void begin_candidates(PostingList* lists, CandidateTids<PostingList>& candidates);
  void race();
  bool is_walkers_turn() const;
  void consider_ranges();
  void collect();
  void start_next_part();
  bool collector_has_passed(Tid tid) const;
  void walk();
  bool load_page();
  void walk_page();
  void start_below_page();
  const EventKey& oldest_wanted() const;
  bool is_out_of_reach(const EventKey& key) const;
  bool has_all_values(Tid tid);
  void fetch(Tid tid);
  void start_fetching();
  bool matches_filters();
  EventKey key_of_slot();
  void keep(const EventKey& key);
  void end_fetching();

  const PageSearch& search_;
  EventPartition& partition_;
  KeyRange range_;
  bool is_cut_above_;  // by a cursor or `until`: the partition may hold newer events than are looked for
  bool is_cut_below_;  // by `since`
  bool has_kept_any_ = false;
  bool is_done_ = false;  // it is proved that all that belongs into search_.found is there

  // The collector. First part: from start_ down; then, if that was not the end of the table: from there down to start_.
  Postings postings_[filter_count];
  int list_count_ = 0;  // as many as filters are given; none where one of the values is in no list
  PendingRows pending_{};
  PostingList collector_lists_[filter_count];
  CandidateTids<PostingList> collector_{{collector_lists_, 0, nullptr, 0}, nullptr, 0};
  Tid start_ = tid_max;
  Tid target_ = tid_max;  // of this part, what is above has been fetched
  bool is_first_part_ = true;
  double collector_cost_ns_ = 0;
  double head_start_ns_ = head_start_ns;

  // Where the collector need not look.
  BlockRanges ranges_;
  bool are_ranges_settled_ = false;  // they are read, or cannot be
  double cost_before_ranges_ns_ = least_cost_before_ranges_ns;

  // The walker, with cursors of its own into the lists, since it jumps about where the collector goes straight down.
  KeyWalk* walk_ = nullptr;
  bool has_page_ = false;
  PostingList walker_lists_[filter_count];
  CandidateTids<PostingList> walker_{{walker_lists_, 0, nullptr, 0}, nullptr, 0};
  bool has_walker_lists_ = false;
  double walker_cost_ns_ = 0;

  IndexFetchTableData* heap_ = nullptr;
  TupleTableSlot* slot_ = nullptr;
};
static_assert(std::is_trivially_destructible_v<PartitionSearch>);

bool PartitionSearch::run() {
  if (!is_empty(range_) && find_where_to_begin()) race();
  end_fetching();
  return has_kept_any_;
}

// False where there is nothing to look for.
bool PartitionSearch::find_where_to_begin() {
  // With the page full already (the default partition comes last), one look at the newest entry is often enough.
  if (search_.found->is_full()) {
    if (!load_page() || is_out_of_reach(walk_->key(0))) return false;
  }
  if (search_.given_count == 0) return true;
  if (!find_candidates()) return false;
  if (is_cut_above_) {
    if (!has_page_ && !load_page()) return false;
    start_below_page();
  }
  return true;
}

// False where no row can match.
bool PartitionSearch::find_candidates() {
  GinKey keys[filter_count];
  for (int i = 0; i < search_.given_count; i++) {
    const GivenFilter& filter = search_.filters[i];
    keys[i] = filter.key;
    keys[i].column = partition_.shape.filter_index_columns[filter.number];
  }
  pgstat_count_index_scan(partition_.filter_index);  // or the index would look unused
  pending_ = find_pending_rows(partition_.filter_index, keys, search_.given_count, search_.report);
  if (!find_lists(keys) && pending_.count == 0) return false;
  begin_candidates(collector_lists_, collector_);
  return true;
}

// False where one of the values is in none.
bool PartitionSearch::find_lists(const GinKey* keys) {
  for (int i = 0; i < search_.given_count; i++)
    if (!find_postings(partition_.filter_index, keys[i], postings_[i], search_.report)) return false;
  list_count_ = search_.given_count;
  if (list_count_ > 1) sort_lists();
  return true;
}

void PartitionSearch::begin_candidates(PostingList* lists, CandidateTids<PostingList>& candidates) {
  for (int i = 0; i < list_count_; i++) lists[i].begin(partition_.filter_index, postings_[i], search_.report);
  auto* batch = static_cast<Tid*>(palloc(sizeof(Tid) * batch_capacity));
  candidates = {{lists, list_count_, batch, batch_capacity}, pending_.tids, pending_.count};
}

// Shortest first, as the intersection likes them.
void PartitionSearch::sort_lists() {
  std::int64_t sizes[filter_count];
  for (int i = 0; i < list_count_; i++) {
    const Postings postings = postings_[i];
    const std::int64_t size = estimated_size(partition_.filter_index, postings, search_.report);
    int place = i;
    for (; place > 0 && sizes[place - 1] > size; place--) {
      sizes[place] = sizes[place - 1];
      postings_[place] = postings_[place - 1];
    }
    sizes[place] = size;
    postings_[place] = postings;
  }
}

void PartitionSearch::race() {
  while (!is_done_) {
    CHECK_FOR_INTERRUPTS();
    consider_ranges();
    const double before_ns = cost_ns(*search_.report);
    const bool is_walk = is_walkers_turn();
    is_walk ? walk() : collect();
    (is_walk ? walker_cost_ns_ : collector_cost_ns_) += cost_ns(*search_.report) - before_ns;
  }
}

// A full page is what the walker can prove complete, and it often has not far to go: it starts, and they take turns by
// cost. Without one it might have to go through the whole key, so the collector starts and the walker gets a small
// share.
bool PartitionSearch::is_walkers_turn() const {
  if (search_.given_count == 0) return true;
  if (search_.found->is_full()) return walker_cost_ns_ <= collector_cost_ns_ + head_start_ns_;
  if (has_page_ && (walk_->is_last_page() || is_out_of_reach(walk_->key(walk_->size() - 1)))) return true;
  if (collector_cost_ns_ < head_start_ns_) return false;
  return 4 * walker_cost_ns_ < collector_cost_ns_;
}

// The ranges are read once the search would be lost without them: it has cost as much as reading them does. Then the
// race begins anew, since the collector's way has become shorter.
void PartitionSearch::consider_ranges() {
  if (are_ranges_settled_ || search_.given_count == 0 || !(search_.found->is_full() || is_cut_below_)) return;
  const double cost_so_far_ns = search_.found->is_full() ? walker_cost_ns_ : collector_cost_ns_;
  if (cost_so_far_ns < cost_before_ranges_ns_) return;
  if (!open_range_index(partition_)) {
    are_ranges_settled_ = true;
    return;
  }
  cost_before_ranges_ns_ = ranges_cost_ns(partition_.range_index);
  if (cost_so_far_ns < cost_before_ranges_ns_) return;
  ranges_ = read_block_ranges(partition_.table, partition_.range_index, range_.before, search_.report);
  are_ranges_settled_ = true;
  head_start_ns_ = walker_cost_ns_ = collector_cost_ns_ = 0;
}

void PartitionSearch::collect() {
  Tid place = 0;
  if (!ranges_.seek_at_most(target_, oldest_wanted().created_at_us, target_)) {
    start_next_part();
    return;
  }
  const Seek seek = collector_.seek_at_most(target_, looks_at_a_time, place);
  if (seek == Seek::exhausted || (!is_first_part_ && place <= start_)) {
    start_next_part();
    return;
  }
  if (seek == Seek::found && ranges_.may_hold(place, oldest_wanted().created_at_us)) fetch(place);
  target_ = seek == Seek::found ? place - 1 : place;
}

void PartitionSearch::start_next_part() {
  is_done_ = !is_first_part_ || start_ == tid_max;
  is_first_part_ = false;
  target_ = tid_max;
}

bool PartitionSearch::collector_has_passed(Tid tid) const {
  if (search_.given_count == 0) return false;
  return is_first_part_ ? tid > target_ && tid <= start_ : tid > target_ || tid <= start_;
}

bool PartitionSearch::load_page() {
  if (walk_ == nullptr) {
    if (!open_primary_key(partition_, search_.report->sql_reason)) return false;
    walk_ = static_cast<KeyWalk*>(palloc(sizeof(KeyWalk)));
    walk_->begin(partition_.table, partition_.primary_key, range_.before, search_.report);
    pgstat_count_index_scan(partition_.primary_key);
  }
  has_page_ = walk_->next_page();
  return has_page_;
}

// Where the events older than the page's first are likely to begin. Only a guess, which the walker makes good: three
// quarters of the page lie below the upper quartile of its addresses, the rest about as far above it as it is above the
// median. A few rows that are far away do not move it.
void PartitionSearch::start_below_page() {
  constexpr int sample_max = 32;
  Tid sample[sample_max];
  const int count = Min(walk_->size(), sample_max);
  for (int i = 0; i < count; i++) sample[i] = walk_->tid(i * walk_->size() / count);
  std::sort(sample, sample + count);
  const Tid upper_quartile = sample[count * 3 / 4];
  start_ = (upper_quartile + (upper_quartile - sample[count / 2])) | ((1 << tid_offset_bits) - 1);
  target_ = start_;
}

void PartitionSearch::walk() {
  if (!has_page_ && !load_page()) {
    is_done_ = true;
    return;
  }
  walk_page();
  if (is_out_of_reach(walk_->key(walk_->size() - 1))) is_done_ = true;
  has_page_ = false;
}

void PartitionSearch::walk_page() {
  for (int i = 0; i < walk_->size(); i++) {
    const Tid tid = walk_->tid(i);
    if (collector_has_passed(tid)) continue;
    const EventKey key = walk_->key(i);
    if (is_out_of_reach(key)) return;
    if (search_.found->wants(key) && has_all_values(tid)) fetch(tid);
  }
}

// What is older would not come in any more.
const EventKey& PartitionSearch::oldest_wanted() const {
  const bool is_page_the_bound = search_.found->is_full() && compare(range_.from, search_.found->oldest()) < 0;
  return is_page_the_bound ? search_.found->oldest() : range_.from;
}

bool PartitionSearch::is_out_of_reach(const EventKey& key) const { return compare(key, oldest_wanted()) < 0; }

bool PartitionSearch::has_all_values(Tid tid) {
  if (search_.given_count == 0) return true;
  if (!has_walker_lists_) {
    begin_candidates(walker_lists_, walker_);
    has_walker_lists_ = true;
  }
  return walker_.contains(tid);
}

void PartitionSearch::start_fetching() {
  slot_ = table_slot_create(partition_.table, nullptr);
  heap_ = table_index_fetch_begin(partition_.table);
}

void PartitionSearch::end_fetching() {
  if (heap_ == nullptr) return;
  table_index_fetch_end(heap_);
  ExecDropSingleTupleTableSlot(slot_);
}

// Keeps the row at that address if it is visible, matches and belongs into the page.
void PartitionSearch::fetch(Tid tid) {
  if (heap_ == nullptr) start_fetching();
  ItemPointerData pointer = pointer_of(tid);
  bool call_again = false, is_dead_to_all = false;
  search_.report->heap_tuples_fetched++;
  if (!table_index_fetch_tuple(heap_, &pointer, search_.snapshot, slot_, &call_again, &is_dead_to_all)) return;
  pgstat_count_heap_fetch(search_.given_count > 0 ? partition_.filter_index : partition_.primary_key);
  slot_getsomeattrs(slot_, partition_.shape.last_key_or_filter_column);
  const EventKey key = key_of_slot();
  if (contains(range_, key) && search_.found->wants(key) && matches_filters()) keep(key);
}

EventKey PartitionSearch::key_of_slot() {
  EventKey key;
  key.created_at_us = DatumGetTimestampTz(slot_->tts_values[partition_.shape.columns[created_at_column] - 1]);
  memcpy(key.id.data(), DatumGetUUIDP(slot_->tts_values[partition_.shape.columns[id_column] - 1])->data, UUID_LEN);
  return key;
}

// The lists tell what a row had when it came; the row itself decides.
bool PartitionSearch::matches_filters() {
  for (int i = 0; i < search_.given_count; i++) {
    const GivenFilter& filter = search_.filters[i];
    const int position = partition_.shape.columns[filter_columns[filter.number]] - 1;
    if (slot_->tts_isnull[position]) return false;
    const Datum value = slot_->tts_values[position];
    if (!filter.key.is_text) {
      if (DatumGetInt64(value) != filter.key.number) return false;
      continue;
    }
    text* unpacked = DatumGetTextPP(value);
    const bool is_equal = filter.key.text == std::string_view(VARDATA_ANY(unpacked), VARSIZE_ANY_EXHDR(unpacked));
    if (PointerGetDatum(unpacked) != value) pfree(unpacked);
    if (!is_equal) return false;
  }
  return true;
}

void PartitionSearch::keep(const EventKey& key) {
  const MemoryContext caller = MemoryContextSwitchTo(search_.found_context);
  const FoundEvent event{ExecCopySlotHeapTuple(slot_), &partition_};
  MemoryContextSwitchTo(caller);
  has_kept_any_ = true;
  FoundEvent evicted{};
  if (search_.found->add(key, event, evicted)) heap_freetuple(evicted.row);
}

}  // namespace

bool search_partition(const PageSearch& search, EventPartition& partition, const KeyRange& partition_range) {
  return PartitionSearch(search, partition, partition_range).run();
}

}  // namespace audit::pg
