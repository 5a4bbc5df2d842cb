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
// REQUIRES: each row has exactly one entry a column, as btree_gin makes them; and this is called before the posting
// lists are looked at, with the snapshot in force: rows leave the pending list only after they are in the lists, so
// that each row the snapshot sees is in one of them (or in both); rows that came since are invisible.
PendingRows find_pending_rows(Relation index, const GinKey* keys, int key_count, SearchReport* report);

}  // namespace audit::pg
