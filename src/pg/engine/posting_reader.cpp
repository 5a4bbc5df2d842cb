// The reader. src/backend/access/gin/README describes the layout and the locks of GIN's pages:
//  - A search goes down with one share lock at a time: the parent's is released before the child's is taken. The child
//    may have been split meanwhile. Then the search follows right links while the target is above the page's right
//    bound.
//  - VACUUM may have emptied and deleted the child meanwhile. Then the search starts again from the root. Deleted pages
//    stay as they are while the snapshot lives.
//  - Right links are followed with the next page locked before this one is released (ginStepRight). Otherwise the next
//    page could be deleted in between.
//  - There are no left links. What is left of a leaf begins at the right bound of its left sibling. That is the key
//    before ours in the parent, or the right bound of a page that the search came from by a right link.
//  - Entries, their pages and roots of posting trees are never deleted, and a tree never becomes an inline list again.
#include "engine/posting_reader.hpp"

#include "engine/gin_entries.hpp"

namespace audit::pg {
namespace {

// One byte of a segment at least an address, and the first one.
constexpr int segment_header_size = offsetof(GinPostingList, bytes);
constexpr int segments_max = BLCKSZ / segment_header_size;

TidRun run_of(const GinPostingList* list) { return {tid_of(list->first), list->bytes, list->nbytes}; }

// Which child of a posting tree's inner page may hold the target, and the bound left of that child.
BlockNumber choose_child(Page page, Tid target, Tid& left_bound) {
  int low = FirstOffsetNumber, high = GinPageGetOpaque(page)->maxoff;
  // The last child takes whatever is above the others' keys.
  while (low < high) {
    const int middle = (low + high) / 2;
    if (tid_of(GinDataPageGetPostingItem(page, middle)->key) < target)
      low = middle + 1;
    else
      high = middle;
  }
  if (low > FirstOffsetNumber) left_bound = tid_of(GinDataPageGetPostingItem(page, low - 1)->key);
  return PostingItemGetBlockNumber(GinDataPageGetPostingItem(page, low));
}

// Copies an inline list; the entry's page is locked.
void copy_inline_list(const IndexTupleData* entry, Postings& postings, SearchReport* report) {
  const auto* list = reinterpret_cast<const GinPostingList*>(GinGetPosting(entry));
  auto* tids = static_cast<Tid*>(palloc(sizeof(Tid) * (list->nbytes + 1u)));
  bool is_complete = false;
  postings.tid_count = decode_tids(run_of(list), tid_max, tids, is_complete);
  postings.tids = tids;
  report->tids_decoded += postings.tid_count;
}

// The first entry of the page, before `end`, that is not below the key, or `end`.
OffsetNumber first_not_below(Page page, const GinKey& key, OffsetNumber end) {
  OffsetNumber low = FirstOffsetNumber, high = end;
  while (low < high) {
    const auto middle = static_cast<OffsetNumber>((low + high) / 2);
    if (compare(key, gin_entry(page, middle)) > 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// The leaf that has the key's entry if there is one, locked, and the entry's place on it.
Buffer find_leaf(Relation index, const GinKey& key, OffsetNumber& place, SearchReport* report) {
  BlockNumber block = GIN_ROOT_BLKNO;
  while (true) {
    Buffer buffer = ReadBuffer(index, block);
    LockBuffer(buffer, GIN_SHARE);
    while (true) {
      report->index_pages_read++;
      const Page page = BufferGetPage(buffer);
      if (GinPageIsData(page) || GinPageIsDeleted(page)) report_unknown_page(index);
      const OffsetNumber count = PageGetMaxOffsetNumber(page);
      // The last child of a level takes whatever is above the others' keys.
      const bool is_last_child = GinPageRightMost(page) && !GinPageIsLeaf(page);
      place = first_not_below(page, key, is_last_child ? count : count + 1);
      if (place <= count || GinPageRightMost(page)) break;
      buffer = ginStepRight(buffer, index, GIN_SHARE);
    }
    const Page page = BufferGetPage(buffer);
    if (GinPageIsLeaf(page)) return buffer;
    block = GinGetDownlink(gin_entry(page, place));
    UnlockReleaseBuffer(buffer);
  }
}

// Takes the postings out of an entry, whose page is locked; false where they are of a kind that is not known.
bool read_postings(const IndexTupleData* entry, Postings& postings, SearchReport* report) {
  if (GinIsPostingTree(entry))
    postings.tree_root = GinGetPostingTree(entry);
  else if (GinGetNPosting(entry) > 0 && GinItupIsCompressed(entry))
    copy_inline_list(entry, postings, report);
  else
    return GinGetNPosting(entry) == 0;  // VACUUM leaves entries without any address
  return true;
}

}  // namespace

std::int64_t estimated_size(Relation index, const Postings& postings, SearchReport* report) {
  if (postings.tids != nullptr) return postings.tid_count;
  constexpr std::int64_t tids_per_leaf = 4000;
  std::int64_t leaves = 1;
  BlockNumber block = postings.tree_root;
  while (block != InvalidBlockNumber) {
    Buffer buffer = ReadBuffer(index, block);
    LockBuffer(buffer, GIN_SHARE);
    const Page page = BufferGetPage(buffer);
    block = InvalidBlockNumber;
    if (!GinPageIsLeaf(page) && GinPageGetOpaque(page)->maxoff > 0) {
      leaves *= GinPageGetOpaque(page)->maxoff;
      // The level below is looked at where it matters: one of few children may be a leaf or have hundreds.
      if (leaves < 10) block = PostingItemGetBlockNumber(GinDataPageGetPostingItem(page, FirstOffsetNumber));
    }
    UnlockReleaseBuffer(buffer);
    report->index_pages_read++;
  }
  return leaves * tids_per_leaf;
}

bool find_postings(Relation index, const GinKey& key, Postings& postings, SearchReport* report) {
  postings = {nullptr, 0, InvalidBlockNumber};
  OffsetNumber place = InvalidOffsetNumber;
  const Buffer buffer = find_leaf(index, key, place, report);
  const Page page = BufferGetPage(buffer);
  if (place <= PageGetMaxOffsetNumber(page) && compare(key, gin_entry(page, place)) == 0 &&
      !read_postings(gin_entry(page, place), postings, report))
    report_unknown_page(index);
  UnlockReleaseBuffer(buffer);
  return postings.tids != nullptr || postings.tree_root != InvalidBlockNumber;
}

void PostingList::begin(Relation index, const Postings& postings, SearchReport* report) {
  *this = PostingList{};
  index_ = index;
  report_ = report;
  root_ = postings.tree_root;
  if (postings.tids != nullptr) {
    tids_ = postings.tids;
    tid_count_ = postings.tid_count;
    decoded_up_to_ = tid_max;
    return;
  }
  page_ = static_cast<char*>(palloc(BLCKSZ));
  segment_firsts_ = static_cast<Tid*>(palloc(sizeof(Tid) * segments_max));
  segment_offsets_ = static_cast<std::uint16_t*>(palloc(sizeof(std::uint16_t) * segments_max));
}

bool PostingList::seek_at_most(Tid target, Tid& found) {
  if (tid_count_ > 0 && target >= tids_[0] && target <= decoded_up_to_) {
    seek_in_segment(target);
    found = tids_[position_];
    if (found > left_bound_) return true;
  }
  if (root_ == InvalidBlockNumber) return false;
  while (true) {
    if (!has_leaf_ || target <= left_bound_ || target > right_bound_) load_leaf(target);
    if (seek_in_leaf(target, found)) return true;
    if (left_bound_ == 0) return false;
    target = left_bound_;
  }
}

// REQUIRES: tids_[0] <= target.
void PostingList::seek_in_segment(Tid target) {
  position_ = static_cast<int>(std::upper_bound(tids_, tids_ + tid_count_, target) - tids_) - 1;
}

bool PostingList::seek_in_leaf(Tid target, Tid& found) {
  const int segment = segment_of(target);
  if (segment < 0) return false;
  decode_segment(segment, target);
  seek_in_segment(target);
  found = tids_[position_];
  // A page whose left sibling was deleted since we read its parent may have taken in newer, invisible addresses.
  return found > left_bound_;
}

// The last one that begins at or below the target; -1: none.
int PostingList::segment_of(Tid target) const {
  const Tid* above = std::upper_bound(segment_firsts_, segment_firsts_ + segment_count_, target);
  return static_cast<int>(above - segment_firsts_) - 1;
}

TidRun PostingList::run_of_segment(int segment) const {
  return run_of(reinterpret_cast<const GinPostingList*>(page_ + segment_offsets_[segment]));
}

void PostingList::decode_segment(int segment, Tid target) {
  const TidRun run = run_of_segment(segment);
  if (tid_capacity_ < run.byte_count + 1) {
    tid_capacity_ = Max(run.byte_count + 1, 512);
    tids_ = static_cast<Tid*>(palloc(sizeof(Tid) * static_cast<Size>(tid_capacity_)));
  }
  bool is_complete = false;
  tid_count_ = decode_tids(run, target, tids_, is_complete);
  const Tid segment_end = segment + 1 < segment_count_ ? segment_firsts_[segment + 1] - 1 : right_bound_;
  decoded_up_to_ = is_complete ? segment_end : target;
  report_->tids_decoded += tid_count_;
}

int PostingList::propose(Tid target, Tid* tids, int capacity) {
  Tid found = 0;
  if (!seek_at_most(target, found)) return 0;
  int begin = Max(position_ + 1 - capacity, 0);
  while (tids_[begin] <= left_bound_) begin++;
  const int count = position_ + 1 - begin;
  std::copy_n(tids_ + begin, count, tids);
  return count;
}

// From the greatest downwards, as leaves are loaded, with all that belong to one segment at a time.
int PostingList::retain(Tid* tids, int count, Tid& free_from) {
  if (root_ == InvalidBlockNumber) return retain_inline(tids, count, free_from);
  Tid* kept = tids + count;  // from there on, as far as this has come
  for (Tid* end = kept; end > tids;) {
    const Tid target = end[-1];
    if (!has_leaf_ || target <= left_bound_ || target > right_bound_) load_leaf(target);
    const int segment = segment_of(target);
    Tid below = left_bound_;
    const Tid lowest = segment < 0 ? below + 1 : Max(segment_firsts_[segment], below + 1);
    Tid* begin = end;
    while (begin > tids && begin[-1] >= lowest) begin--;
    if (segment >= 0) {
      int tids_read = 0;
      const int kept_here =
          retain_tids(run_of_segment(segment), begin, static_cast<int>(end - begin), below, tids_read);
      report_->tids_decoded += tids_read;
      kept = std::move_backward(begin, begin + kept_here, kept);
    }
    below = Max(below, left_bound_);
    free_from = below == 0 ? 0 : below + 1;
    end = begin;
  }
  return static_cast<int>(std::move(kept, tids + count, tids) - tids);
}

int PostingList::retain_inline(Tid* tids, int count, Tid& free_from) const {
  const Tid* const above = std::upper_bound(tids_, tids_ + tid_count_, tids[0]);
  free_from = above == tids_ ? 0 : above[-1] + 1;
  const auto is_missing = [this](Tid tid) { return !std::binary_search(tids_, tids_ + tid_count_, tid); };
  return static_cast<int>(std::remove_if(tids, tids + count, is_missing) - tids);
}

void PostingList::index_segments() {
  const Page page = page_;
  const char* at = reinterpret_cast<const char*>(GinDataLeafPageGetPostingList(page));
  const char* const end = at + GinDataLeafPageGetPostingListSize(page);
  segment_count_ = 0;
  tid_count_ = 0;
  while (at < end && segment_count_ < segments_max) {
    const auto* list = reinterpret_cast<const GinPostingList*>(at);
    segment_firsts_[segment_count_] = tid_of(list->first);
    segment_offsets_[segment_count_++] = static_cast<std::uint16_t>(at - page_);
    at += SizeOfGinPostingList(list);
  }
}

// Copies the leaf whose range holds the target.
void PostingList::load_leaf(Tid target) {
  has_leaf_ = false;
  BlockNumber block = root_;
  Tid left_bound = 0;
  while (true) {
    CHECK_FOR_INTERRUPTS();
    Buffer buffer = ReadBuffer(index_, block);
    LockBuffer(buffer, GIN_SHARE);
    Page page = BufferGetPage(buffer);
    report_->index_pages_read++;
    while (!GinPageIsDeleted(page) && !GinPageRightMost(page) && target > tid_of(*GinDataPageGetRightBound(page))) {
      left_bound = tid_of(*GinDataPageGetRightBound(page));
      buffer = ginStepRight(buffer, index_, GIN_SHARE);
      page = BufferGetPage(buffer);
      report_->index_pages_read++;
    }
    if (GinPageIsDeleted(page)) {
      UnlockReleaseBuffer(buffer);
      block = root_;
      left_bound = 0;
      continue;
    }
    const bool is_leaf = GinPageIsLeaf(page);
    const bool is_readable = GinPageIsData(page) && (!is_leaf || GinPageIsCompressed(page));
    if (is_leaf && is_readable) {
      memcpy(page_, page, BLCKSZ);
      right_bound_ = GinPageRightMost(page) ? tid_max : tid_of(*GinDataPageGetRightBound(page));
    } else if (is_readable) {
      block = choose_child(page, target, left_bound);
    }
    UnlockReleaseBuffer(buffer);
    if (!is_readable) report_unknown_page(index_);
    if (!is_leaf) continue;
    left_bound_ = left_bound;
    index_segments();
    has_leaf_ = true;
    return;
  }
}

}  // namespace audit::pg
