#include "engine/filter_candidates.hpp"

namespace audit::pg {
namespace {

constexpr int batch_capacity = 256;  // about as many as a segment of a posting list has

// False where one of the values is in no list.
bool find_lists(Relation index, const GinKey* keys, int key_count, Postings* postings, SearchReport* report) {
  for (int i = 0; i < key_count; i++)
    if (!find_postings(index, keys[i], postings[i], report)) return false;
  return true;
}

// Shortest first, as the intersection likes them.
void sort_lists(Relation index, Postings* postings, int count, SearchReport* report) {
  std::int64_t sizes[filter_count];
  for (int i = 0; i < count; i++) {
    const Postings list = postings[i];
    const std::int64_t size = estimated_size(index, list, report);
    int place = i;
    for (; place > 0 && sizes[place - 1] > size; place--) {
      sizes[place] = sizes[place - 1];
      postings[place] = postings[place - 1];
    }
    sizes[place] = size;
    postings[place] = list;
  }
}

}  // namespace

bool find_candidates(const PageSearch& search, const EventPartition& partition, FilterCandidates& candidates) {
  const Relation index = partition.filter_index;
  GinKey keys[filter_count];
  for (int i = 0; i < search.given_count; i++) {
    const GivenFilter& filter = search.filters[i];
    keys[i] = filter.key;
    keys[i].column = partition.shape.filter_index_columns[filter.number];
  }
  pgstat_count_index_scan(index);  // or the index would look unused
  candidates.pending = find_pending_rows(index, keys, search.given_count, search.report);
  const bool are_all_listed = find_lists(index, keys, search.given_count, candidates.postings, search.report);
  candidates.list_count = are_all_listed ? search.given_count : 0;
  if (candidates.list_count > 1) sort_lists(index, candidates.postings, candidates.list_count, search.report);
  return are_all_listed || candidates.pending.count > 0;
}

CandidateTids<PostingList> read_candidates(const FilterCandidates& candidates, const EventPartition& partition,
                                           PostingList* lists, SearchReport* report) {
  for (int i = 0; i < candidates.list_count; i++)
    lists[i].begin(partition.filter_index, candidates.postings[i], report);
  auto* batch = static_cast<Tid*>(palloc(sizeof(Tid) * batch_capacity));
  return {{lists, candidates.list_count, batch, batch_capacity}, candidates.pending.tids, candidates.pending.count};
}

}  // namespace audit::pg
