// The reader: see the header. How GIN's pages are laid out and locked is told in src/backend/access/gin/README:
//  - Search goes down with one share lock at a time, the parent's released before the child's is taken; so the child
//  may
//    have been split meanwhile (follow right links while the target is above the page's right bound), or emptied and
//    deleted by VACUUM (start again from the root: deleted pages stay as they are while our snapshot lives).
//  - Right links are followed with the next page locked before this one is released (ginStepRight), or the next one
//  could
//    be deleted in between.
//  - There are no left links: what is left of a leaf begins at the right bound of its left sibling, which is the key
//    before ours in the parent, or that of a page we came from by a right link.
//  - Entries, their pages and roots of posting trees are never deleted, and a tree never becomes an inline list again.
#include "posting_reader.hpp"

#include "gin_entries.hpp"

namespace audit::pg {
namespace {

// One byte of a segment at least an address, and the first one.
constexpr int segment_header_size = offsetof(GinPostingList, bytes);
constexpr int segments_max = BLCKSZ / segment_header_size;

// Reads one difference between addresses: seven bits a byte, least significant first; a set high bit says that another
// byte follows. Most have one or two bytes, in no order that a branch predictor could learn: so these need no branch.
// Looks at one byte more than it reads, which is on the same page.
inline Tid decode_difference(const unsigned char*& at) {
  const Tid first = at[0], second = at[1], has_second = first >> 7;
  Tid difference = (first & 0x7f) | ((second & 0x7f) << 7 & (0 - has_second));
  at += 1 + has_second;
  if ((first & second) < 0x80) return difference;
  int shift = 14;
  Tid byte = 0;
  do {
    byte = *at++;
    difference |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80 && shift < 49);
  return difference;
}

// Decodes addresses of a compressed list up to `target` (all of those at or below it) into `tids`; returns how many.
// `is_complete`: whether the list has no more.
int decode_postings(const GinPostingList* list, Tid target, Tid* tids, bool& is_complete) {
  const unsigned char* at = list->bytes;
  const unsigned char* const end = at + list->nbytes;
  Tid tid = tid_of(list->first);
  int count = 0;
  tids[count++] = tid;
  while (at < end && tid < target) {
    tid += decode_difference(at);
    tids[count++] = tid;
  }
  is_complete = at >= end;
  return count;
}

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
  postings.tid_count = decode_postings(list, tid_max, tids, is_complete);
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
    position_ = tid_count_ - 1;
    decoded_up_to_ = tid_max;
    return;
  }
  page_ = static_cast<char*>(palloc(BLCKSZ));
  segment_firsts_ = static_cast<Tid*>(palloc(sizeof(Tid) * segments_max));
  segment_offsets_ = static_cast<std::uint16_t*>(palloc(sizeof(std::uint16_t) * segments_max));
}

bool PostingList::seek_at_most(Tid target, Tid& found) {
  if (tid_count_ > 0 && target >= tids_[0] && target <= decoded_up_to_) {
    found = seek_in_segment(target);
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

// The greatest at or below the target. REQUIRES: tids_[0] <= target.
Tid PostingList::seek_in_segment(Tid target) {
  int low = position_, high = tid_count_;  // exclusive
  if (tids_[position_] > target)
    low = find_below(target, high);
  else if (position_ + 1 == tid_count_ || tids_[position_ + 1] > target)
    return tids_[position_];
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (tids_[middle] <= target ? low : high) = middle;
  }
  position_ = low;
  return tids_[low];
}

// Bounds for what is below the last one found, and usually close to it: the nearest are counted, which needs no branch
// that would be mispredicted half of the time; then steps that double.
int PostingList::find_below(Tid target, int& high) const {
  constexpr int near = 8;
  high = position_;
  if (high >= near) {
    int above = 0;
    for (int i = 0; i < near; i++) above += tids_[high - 1 - i] > target;
    high -= above;
    if (above < near) return high - 1;
  }
  int step = near;
  while (high - step > 0 && tids_[high - step] > target) {
    high -= step;
    step *= 2;
  }
  return Max(high - step, 0);
}

bool PostingList::seek_in_leaf(Tid target, Tid& found) {
  const Tid* above = std::upper_bound(segment_firsts_, segment_firsts_ + segment_count_, target);
  if (above == segment_firsts_) return false;
  decode_segment(static_cast<int>(above - segment_firsts_) - 1, target);
  found = seek_in_segment(target);
  // A page whose left sibling was deleted since we read its parent may have taken in newer, invisible addresses.
  return found > left_bound_;
}

void PostingList::decode_segment(int segment, Tid target) {
  const auto* list = reinterpret_cast<const GinPostingList*>(page_ + segment_offsets_[segment]);
  if (tid_capacity_ < list->nbytes + 1) {
    tid_capacity_ = Max(list->nbytes + 1, 512);
    tids_ = static_cast<Tid*>(palloc(sizeof(Tid) * static_cast<Size>(tid_capacity_)));
  }
  bool is_complete = false;
  tid_count_ = decode_postings(list, target, tids_, is_complete);
  position_ = tid_count_ - 1;
  const Tid segment_end = segment + 1 < segment_count_ ? segment_firsts_[segment + 1] - 1 : right_bound_;
  decoded_up_to_ = is_complete ? segment_end : target;
  report_->tids_decoded += tid_count_;
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
