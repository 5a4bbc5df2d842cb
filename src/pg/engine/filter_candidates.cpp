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

bool has_list(const GivenFilter& filter, const PartitionShape& shape) {
  return filter.has_list && shape.filter_index_columns[filter.number] > 0;
}

int find_keys(const PageSearch& search, const PartitionShape& shape, GinKey* keys) {
  int count = 0;
  for (int i = 0; i < search.given_count; i++) {
    const GivenFilter& filter = search.filters[i];
    if (!has_list(filter, shape)) continue;
    keys[count] = filter.key;
    keys[count++].column = shape.filter_index_columns[filter.number];
  }
  return count;
}

}  // namespace

bool has_lists(const PageSearch& search, const PartitionShape& shape) {
  bool has_any = false;
  for (int i = 0; i < search.given_count; i++) {
    const unsigned bit = 1u << search.filters[i].number;
    if (has_list(search.filters[i], shape))
      search.report->filters_with_list |= bit;
    else
      search.report->filters_without_list |= bit;
    has_any |= has_list(search.filters[i], shape);
  }
  return has_any;
}

bool find_candidates(const PageSearch& search, const EventPartition& partition, FilterCandidates& candidates) {
  const Relation index = partition.filter_index;
  GinKey keys[filter_count];
  const int key_count = find_keys(search, partition.shape, keys);
  pgstat_count_index_scan(index);  // or the index would look unused
  candidates.pending = find_pending_rows(index, keys, key_count, search.report);
  const bool are_all_listed = find_lists(index, keys, key_count, candidates.postings, search.report);
  candidates.list_count = are_all_listed ? key_count : 0;
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
