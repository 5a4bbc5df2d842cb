// The reader. A BRIN index has a metapage, pages that map ranges to their summaries, and pages of summaries
// (src/backend/access/brin/README). Each summary names its range, so the pages of summaries are read one after the
// other, without the map. While a summary moves to another page, both pages are locked exclusively. So a summary found
// under a share lock is true at that moment. A summary that moves behind the reader is not found, so nothing is known
// of its range. (Replay on a standby leaves the old one for a moment. It holds for everything committed before.)
//
// A summary only gets wider while its index is used. A row is in its block before the summary is widened, but its
// transaction cannot have committed before. A summary under construction is marked as a placeholder until it is
// complete. This is the only file that includes BRIN's headers.
#include "engine/range_reader.hpp"

extern "C" {
#include "access/brin_page.h"
#include "access/brin_tuple.h"
}

namespace audit::pg {
namespace {

struct Summary {
  BlockNumber first_block;
  TimestampTz oldest;
  TimestampTz newest;
};

// False where it says nothing: of a range without rows, of one that is being summed up.
bool read_summary(const BrinTuple* tuple, Summary& summary) {
  constexpr std::uint8_t says_nothing = BRIN_NULLS_MASK | BRIN_PLACEHOLDER_MASK | BRIN_EMPTY_RANGE_MASK;
  if ((tuple->bt_info & says_nothing) != 0) return false;
  const char* data = reinterpret_cast<const char*>(tuple) + (tuple->bt_info & BRIN_OFFSET_MASK);
  summary.first_block = tuple->bt_blkno;
  memcpy(&summary.oldest, data, sizeof(TimestampTz));
  memcpy(&summary.newest, data + sizeof(TimestampTz), sizeof(TimestampTz));
  return true;
}

void read_page(Page page, BlockNumber blocks_per_range, TimestampTz before, BlockRanges& ranges, SearchReport* report) {
  const OffsetNumber last = PageGetMaxOffsetNumber(page);
  for (OffsetNumber number = FirstOffsetNumber; number <= last; number++) {
    const ItemId item = PageGetItemId(page, number);
    Summary summary;
    if (!ItemIdIsUsed(item) || !read_summary(reinterpret_cast<const BrinTuple*>(PageGetItem(page, item)), summary))
      continue;
    report->block_ranges_read++;
    const std::uint64_t range = summary.first_block / blocks_per_range;
    if (range < ranges.count()) ranges.set_newest(range, summary.oldest > before ? INT64_MIN : summary.newest);
  }
}

BlockNumber blocks_per_range(Relation index) {
  const Buffer buffer = ReadBuffer(index, BRIN_METAPAGE_BLKNO);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const auto* metapage = reinterpret_cast<const BrinMetaPageData*>(PageGetContents(BufferGetPage(buffer)));
  const bool is_known = metapage->brinMagic == BRIN_META_MAGIC && metapage->brinVersion == BRIN_CURRENT_VERSION;
  const BlockNumber blocks = metapage->pagesPerRange;
  UnlockReleaseBuffer(buffer);
  return is_known ? blocks : 0;
}

}  // namespace

double ranges_cost_ns(Relation index) { return 2000.0 * RelationGetNumberOfBlocks(index); }

BlockRanges read_block_ranges(Relation table, Relation index, const EventKey& before, SearchReport* report) {
  const BlockNumber range_blocks = blocks_per_range(index);
  if (range_blocks == 0) return {};
  const Size count = RelationGetNumberOfBlocks(table) / range_blocks + 1u;
  auto* newest_us =
      static_cast<std::int64_t*>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(std::int64_t) * count));
  BlockRanges ranges(newest_us, count, static_cast<Tid>(range_blocks) << tid_offset_bits);
  const BlockNumber end = RelationGetNumberOfBlocks(index);
  for (BlockNumber block = BRIN_METAPAGE_BLKNO + 1; block < end; block++) {
    CHECK_FOR_INTERRUPTS();
    const Buffer buffer = ReadBuffer(index, block);
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    const Page page = BufferGetPage(buffer);
    if (!PageIsNew(page) && BRIN_IS_REGULAR_PAGE(page))
      read_page(page, range_blocks, before.created_at_us, ranges, report);
    UnlockReleaseBuffer(buffer);
    report->index_pages_read++;
  }
  return ranges;
}

}  // namespace audit::pg
