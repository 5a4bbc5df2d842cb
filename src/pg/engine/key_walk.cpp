// The walk. An ordinary index scan costs about 80 ns an entry, mostly for bookkeeping that is not needed here. The
// pages themselves cost a few ns an entry. So they are read directly, by the rules of nbtree/README:
//  - A page is entered by a search from the root, or from its right neighbour by the left link.
//  - A page that was split has a new right neighbour. If the left page does not link back to the page the walk came
//    from, the walk searches again for the last key it saw. Splits move entries to the right only, and only empty pages
//    are deleted. So nothing else can hide an entry.
//  - A deleted page is not reused while the snapshot lives, so a link that fits never leads to another page.
// This is the only file that includes nbtree.h.
#include "engine/key_walk.hpp"

#include "base/pg_compat.hpp"

extern "C" {
#include "access/nbtree.h"
}

namespace audit::pg {
namespace {

void set_search_key(BTScanInsert search, Relation index, int column, Datum value) {
  ScanKeyEntryInitializeWithInfo(&search->scankeys[column], 0, static_cast<AttrNumber>(column + 1), InvalidStrategy,
                                 InvalidOid, index->rd_indcollation[column],
                                 index_getprocinfo(index, static_cast<AttrNumber>(column + 1), BTORDER_PROC), value);
}

}  // namespace

void KeyWalk::begin(Relation table, Relation index, const EventKey& before, SearchReport* report) {
  table_ = table;
  index_ = index;
  report_ = report;
  before_ = before;
  is_positioned_ = false;
  is_at_end_ = false;
  size_ = 0;
}

void KeyWalk::copy_page(Buffer buffer) {
  block_ = BufferGetBlockNumber(buffer);
  memcpy(page_.data, BufferGetPage(buffer), BLCKSZ);
  report_->index_pages_read++;
}

// Copies the leaf on which before_ would be: all older entries are there or left of it.
void KeyWalk::search() {
  BTScanInsertData search;
  memset(&search, 0, offsetof(BTScanInsertData, scankeys));
  _bt_metaversion(index_, &search.heapkeyspace, &search.allequalimage);
  search.keysz = 2;
  set_search_key(&search, index_, 0, TimestampTzGetDatum(before_.created_at_us));
  set_search_key(&search, index_, 1, PointerGetDatum(before_.id.data()));
  Buffer buffer = InvalidBuffer;
  BTStack stack = _bt_search(index_, AUDIT_TABLE_ARGUMENT(table_) & search, &buffer, BT_READ AUDIT_SNAPSHOT_ARGUMENT);
  is_positioned_ = true;
  if (BufferIsValid(buffer)) {
    copy_page(buffer);
    _bt_relbuf(index_, buffer);
  } else {
    is_at_end_ = true;  // an empty index has no page
  }
  _bt_freestack(stack);
}

// Copies the left neighbour; false where it is not known any more which one that is.
bool KeyWalk::step_left() {
  const BlockNumber from = block_;
  Buffer buffer = _bt_getbuf(index_, BTPageGetOpaque(static_cast<Page>(page_.data))->btpo_prev, BT_READ);
  const BTPageOpaque opaque = BTPageGetOpaque(BufferGetPage(buffer));
  // A half-dead page is empty but still linked: it is passed like any other.
  const bool is_neighbour = !P_ISDELETED(opaque) && opaque->btpo_next == from;
  if (is_neighbour) copy_page(buffer);
  _bt_relbuf(index_, buffer);
  return is_neighbour;
}

EventKey KeyWalk::key_at(std::uint32_t offset) const {
  // The columns are not null and aligned: created_at at the start of the data, id behind it.
  const auto* tuple = reinterpret_cast<const IndexTupleData*>(page_.data + offset);
  const char* data = page_.data + offset + IndexInfoFindDataOffset(tuple->t_info);
  EventKey key;
  memcpy(&key.created_at_us, data, sizeof(key.created_at_us));
  memcpy(key.id.data(), data + sizeof(key.created_at_us), key.id.size());
  return key;
}

EventKey KeyWalk::key(int i) const { return key_at(entries_[i].key_offset); }

bool KeyWalk::is_last_page() const { return P_LEFTMOST(BTPageGetOpaque(const_cast<char*>(page_.data))); }

// The page's entries that are older than before_, newest first. A tuple may hold several rows' addresses (several
// versions of one event, of which one at most is visible).
void KeyWalk::read_entries() {
  const Page page = page_.data;
  const OffsetNumber first = P_FIRSTDATAKEY(BTPageGetOpaque(page));
  OffsetNumber last = PageGetMaxOffsetNumber(page);
  size_ = 0;
  const auto offset_of = [page](OffsetNumber number) {
    return static_cast<std::uint32_t>(ItemIdGetOffset(PageGetItemId(page, number)));
  };
  while (last >= first && compare(key_at(offset_of(last)), before_) >= 0) last--;
  for (OffsetNumber number = last; number >= first; number--) {
    const std::uint32_t offset = offset_of(number);
    auto* tuple = reinterpret_cast<IndexTuple>(page_.data + offset);
    if (!BTreeTupleIsPosting(tuple)) {
      entries_[size_++] = {tid_of(tuple->t_tid), offset};
      continue;
    }
    for (int i = 0; i < BTreeTupleGetNPosting(tuple); i++)
      entries_[size_++] = {tid_of(*BTreeTupleGetPostingN(tuple, i)), offset};
  }
  if (size_ > 0) before_ = key(size_ - 1);
  report_->keys_walked += size_;
}

bool KeyWalk::next_page() {
  while (!is_at_end_) {
    CHECK_FOR_INTERRUPTS();
    if (!is_positioned_)
      search();
    else if (is_last_page())
      is_at_end_ = true;
    else
      is_positioned_ = step_left();
    if (is_at_end_ || !is_positioned_) continue;
    read_entries();
    if (size_ > 0) return true;
  }
  return false;
}

}  // namespace audit::pg
