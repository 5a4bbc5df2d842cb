// PostgreSQL's row addresses as the core's Tid: block number and offset as one number in the same order. The offset has
// 11 bits, as in GIN's posting lists, so that these need no conversion.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

constexpr int tid_offset_bits = 11;
static_assert(MaxHeapTuplesPerPage < (1 << tid_offset_bits));

inline Tid tid_of(const ItemPointerData& pointer) {
  return static_cast<Tid>(ItemPointerGetBlockNumberNoCheck(&pointer)) << tid_offset_bits |
         ItemPointerGetOffsetNumberNoCheck(&pointer);
}

inline ItemPointerData pointer_of(Tid tid) {
  ItemPointerData pointer;
  ItemPointerSet(&pointer, static_cast<BlockNumber>(tid >> tid_offset_bits),
                 static_cast<OffsetNumber>(tid & ((1 << tid_offset_bits) - 1)));
  return pointer;
}

}  // namespace audit::pg
