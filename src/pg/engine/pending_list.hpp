// Reads a GIN index's pending list: rows that were inserted with fastupdate and are not in the posting lists yet.
#pragma once

#include "engine/gin_key.hpp"
#include "engine/search_report.hpp"
#include "engine/tids.hpp"

namespace audit::pg {

struct PendingRows {
  Tid* tids;  // ascending; nullptr: none
  int count;
};

// The pending rows that have all of the keys, and perhaps some that have not, in the current memory context. Cheapest
// with the rarest key last. Reads the whole list once.
// REQUIRES: each row has exactly one entry a column, as btree_gin makes them. This is called before the posting lists
// are read, with the snapshot in force. A row leaves the pending list only after it is in the posting lists. So each
// row that the snapshot sees is in one of them, or in both. Later rows are invisible.
PendingRows find_pending_rows(Relation index, const GinKey* keys, int key_count, SearchReport* report);

}  // namespace audit::pg
