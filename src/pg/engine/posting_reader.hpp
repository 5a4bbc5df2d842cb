// Reads the lists of row addresses ("posting lists") that a GIN index keeps for each value of a column, downwards.
#pragma once

#include "engine/gin_key.hpp"
#include "engine/search_report.hpp"
#include "engine/tids.hpp"

namespace audit::pg {

// What the index knows about one key: few addresses as a copied array, many as the root of a tree of pages.
struct Postings {
  Tid* tids;  // ascending; nullptr: a tree
  int tid_count;
  BlockNumber tree_root;
};

// About how many addresses; for choosing an order, good to a factor of a few.
std::int64_t estimated_size(Relation index, const Postings& postings, SearchReport* report);

// Finds the postings of a key, in the current memory context; false where no row has it (but for the pending list).
bool find_postings(Relation index, const GinKey& key, Postings& postings, SearchReport* report);

// One key's list for PostingIntersection. Leaf pages are copied: no lock or pin is held between calls. It finds every
// address that was in the list when it was made, except those of rows that VACUUM found dead. Later addresses may be
// found or not.
class PostingList {
 public:
  // REQUIRES: the relation stays open, and `postings` remain, while it is used; memory is taken from the current
  // context.
  void begin(Relation index, const Postings& postings, SearchReport* report);

  // The greatest address <= target. Cheapest where targets go down. False: there is none.
  bool seek_at_most(Tid target, Tid& found);

  // As PostingIntersection wants them.
  int propose(Tid target, Tid* tids, int capacity);
  int retain(Tid* tids, int count, Tid& free_from);

 private:
  bool seek_in_leaf(Tid target, Tid& found);
  void seek_in_segment(Tid target);
  int segment_of(Tid target) const;
  TidRun run_of_segment(int segment) const;
  int retain_inline(Tid* tids, int count, Tid& free_from) const;
  void load_leaf(Tid target);
  void index_segments();
  void decode_segment(int segment, Tid target);

  Relation index_;
  SearchReport* report_;
  BlockNumber root_;
  // The decoded addresses, ascending: an inline list, or the first part of a segment of the leaf. They are complete
  // from tids_[0] to decoded_up_to_.
  Tid* tids_;
  int tid_count_;
  int tid_capacity_;
  int position_;  // of the last one found by seeking
  Tid decoded_up_to_;
  // The copied leaf holds what is above left_bound_ and at most right_bound_.
  bool has_leaf_;
  Tid left_bound_;  // 0: it is the leftmost
  Tid right_bound_;
  char* page_;
  Tid* segment_firsts_;
  std::uint16_t* segment_offsets_;
  int segment_count_;
};
static_assert(std::is_trivially_destructible_v<PostingList>);

}  // namespace audit::pg
