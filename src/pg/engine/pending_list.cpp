// The pending list is a chain of pages from a head to a tail, both named in the metapage (page 0). A row has an entry
// for each column, one after the other in their order, and may continue on the next page. Rows are added at the tail. A
// session that has moved the rows of the first pages into the posting lists cuts these pages off (shiftList() in
// ginfast.c). It holds the metapage and each of the pages exclusively. So, as in ginget.c:
//  - The head is locked while the metapage is, the next page while this one is. So no session can cut off the pages
//    ahead.
//  - The walk ends at the page that was the tail when it began. Later pages are too new for the snapshot. This also
//    bounds the walk while others write.
// A row address is reused only after VACUUM, which empties the list first. So an address in the list stands for one
// row.
#include "engine/pending_list.hpp"

#include "engine/gin_entries.hpp"

namespace audit::pg {
namespace {

class PendingWalk {
 public:
  PendingWalk(Relation index, const GinKey* keys, int key_count, SearchReport* report)
      : index_(index), keys_(keys), key_count_(key_count), report_(report) {}

  PendingRows run();

 private:
  Buffer lock_page(BlockNumber block);
  void read_page(Page page);
  bool has_other_keys(Page page, int place) const;
  void add_row(Tid tid);

  Relation index_;
  const GinKey* keys_;
  int key_count_;
  SearchReport* report_;
  PendingRows rows_{};
  int capacity_ = 0;
};

PendingRows PendingWalk::run() {
  Buffer buffer = lock_page(GIN_METAPAGE_BLKNO);
  const GinMetaPageData* metapage = GinPageGetMeta(BufferGetPage(buffer));
  const BlockNumber tail = metapage->tail;
  BlockNumber next = metapage->head;
  while (next != InvalidBlockNumber) {
    const BlockNumber block = next;
    const Buffer previous = buffer;
    buffer = lock_page(block);
    UnlockReleaseBuffer(previous);
    const Page page = BufferGetPage(buffer);
    if (!GinPageIsList(page) || GinPageIsDeleted(page)) report_unknown_page(index_);
    read_page(page);
    next = block == tail ? InvalidBlockNumber : GinPageGetOpaque(page)->rightlink;
  }
  UnlockReleaseBuffer(buffer);
  if (!std::is_sorted(rows_.tids, rows_.tids + rows_.count)) std::sort(rows_.tids, rows_.tids + rows_.count);
  return rows_;
}

Buffer PendingWalk::lock_page(BlockNumber block) {
  const Buffer buffer = ReadBuffer(index_, block);
  LockBuffer(buffer, GIN_SHARE);
  report_->index_pages_read++;
  return buffer;
}

// Looks at one column's entries only, and at others where that one has the key.
void PendingWalk::read_page(Page page) {
  const int column_count = IndexRelationGetNumberOfAttributes(index_);
  const int last = PageGetMaxOffsetNumber(page);
  if (last == 0) return;
  const int first_column = column_of(gin_entry(page, FirstOffsetNumber));
  const GinKey& key = keys_[key_count_ - 1];
  const int ahead = (key.column - first_column + column_count) % column_count;
  for (int place = FirstOffsetNumber + ahead; place <= last; place += column_count) {
    const IndexTupleData* entry = gin_entry(page, place);
    report_->pending_entries_read++;
    if (column_of(entry) != key.column) report_unknown_page(index_);
    if (!is_null(entry) && has_key(entry, key) && has_other_keys(page, place)) add_row(tid_of(entry->t_tid));
  }
}

// Of the row that has the last key's entry there. What is on another page is taken for granted: the row decides.
bool PendingWalk::has_other_keys(Page page, int place) const {
  const int last = PageGetMaxOffsetNumber(page);
  for (int i = 0; i < key_count_ - 1; i++) {
    const int other_place = place + keys_[i].column - keys_[key_count_ - 1].column;
    if (other_place < FirstOffsetNumber || other_place > last) continue;
    const IndexTupleData* entry = gin_entry(page, other_place);
    report_->pending_entries_read++;
    if (is_null(entry) || !has_key(entry, keys_[i])) return false;
  }
  return true;
}

void PendingWalk::add_row(Tid tid) {
  if (rows_.count == capacity_) {
    capacity_ = Max(2 * capacity_, 256);
    const Size size = sizeof(Tid) * static_cast<Size>(capacity_);
    rows_.tids = static_cast<Tid*>(rows_.tids == nullptr ? palloc(size) : repalloc(rows_.tids, size));
  }
  rows_.tids[rows_.count++] = tid;
}

}  // namespace

PendingRows find_pending_rows(Relation index, const GinKey* keys, int key_count, SearchReport* report) {
  return PendingWalk(index, keys, key_count, report).run();
}

}  // namespace audit::pg
