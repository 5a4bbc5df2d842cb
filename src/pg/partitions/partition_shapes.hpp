// Remembers the shapes of partitions for the session. Finding a shape takes several times as long as a search for a
// value that is not there.
#pragma once

#include "base/event_row.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

// Of a partition that the posting engine can read.
struct PartitionShape {
  Oid primary_key;
  Oid filter_index;
  Oid range_index;                         // InvalidOid: there is none
  AttrNumber columns[event_column_count];  // attribute number of each event column
  int filter_index_columns[filter_count];  // column of the filter index (from 1) of each filter; 0: it has none
};

// A number that changes whenever something that was remembered may have become wrong.
std::uint64_t shape_generation();

// False if nothing is remembered. REQUIRES: the partition is locked, so that what is remembered is true and remains so.
bool find_shape(Oid partition, PartitionShape& shape);

// REQUIRES: `shape` was found out with the partition locked and since shape_generation() returned `generation`.
void remember_shape(Oid partition, const PartitionShape& shape, std::uint64_t generation);

}  // namespace audit::pg
