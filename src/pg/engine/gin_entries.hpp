// The layout of an entry in a GIN index over several columns, in its tree of entries and in its pending list. An entry
// is an index tuple of the column's number (two bytes) and the key, aligned as its type requires. A NULL has a bitmap
// instead of a key. This is the only file that includes gin_private.h, for the readers of GIN's pages.
#pragma once

#include "engine/gin_key.hpp"
#include "engine/tids.hpp"

extern "C" {
#include "access/gin_private.h"
}

namespace audit::pg {

inline const IndexTupleData* gin_entry(Page page, int place) {
  return reinterpret_cast<const IndexTupleData*>(PageGetItem(page, PageGetItemId(page, place)));
}

inline int column_of(const IndexTupleData* entry) {
  return *reinterpret_cast<const uint16*>(reinterpret_cast<const char*>(entry) +
                                          IndexInfoFindDataOffset(entry->t_info));
}

inline bool is_null(const IndexTupleData* entry) { return IndexTupleHasNulls(entry); }

// REQUIRES, of these two: the entry is not null, and belongs to a column of that type.
inline std::int64_t number_of(const IndexTupleData* entry, ColumnKind kind) {
  constexpr std::size_t offset = TYPEALIGN(ALIGNOF_LONG, sizeof(IndexTupleData) + sizeof(uint16));
  constexpr std::size_t offset32 = TYPEALIGN(ALIGNOF_INT, sizeof(IndexTupleData) + sizeof(uint16));
  const char* at = reinterpret_cast<const char*>(entry);
  if (kind == ColumnKind::integer32) return *reinterpret_cast<const std::int32_t*>(at + offset32);
  return *reinterpret_cast<const std::int64_t*>(at + offset);
}

inline const varlena* varlena_of(const IndexTupleData* entry) {
  constexpr std::size_t offset = sizeof(IndexTupleData) + sizeof(uint16);
  const char* at = reinterpret_cast<const char*>(entry) + offset;
  return reinterpret_cast<const varlena*>(VARATT_NOT_PAD_BYTE(at) ? at : at + TYPEALIGN(ALIGNOF_INT, offset) - offset);
}

// < 0 where the key comes before the entry, in the order of the index.
int compare(const GinKey& key, const IndexTupleData* entry);

// Whether the entry has that key. REQUIRES: it is of the key's column, and not null.
bool has_key(const IndexTupleData* entry, const GinKey& key);

[[noreturn]] void report_unknown_page(Relation index);

}  // namespace audit::pg
