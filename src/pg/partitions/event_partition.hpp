// The partitions of audit_events, and what the posting engine needs of each.
#pragma once

#include "base/postgres_api.hpp"
#include "partitions/partition_shapes.hpp"

namespace audit::pg {

struct PartitionBounds {
  Oid oid;
  KeyRange range;  // of the default partition: everything
  bool is_default;
};

// The partitions that can hold events of the range, newest first, in the current memory context. The default partition
// comes last: it may hold any event that has no other partition.
int list_partitions(Relation events, const KeyRange& range, PartitionBounds*& partitions);

// One partition, opened and locked.
struct EventPartition {
  Relation table;
  Relation primary_key;   // nullptr: not opened yet
  Relation filter_index;  // nullptr: not needed
  Relation range_index;   // nullptr: not opened yet, or there is none that can be used
  PartitionShape shape;
};

enum class Opened { yes, is_gone, needs_sql };

// is_gone: dropped since it was listed. needs_sql, with the reason: it is foreign, partitioned itself, not a heap, has
// not the indexes, ... `partition` holds nothing open then.
Opened open_partition(const PartitionBounds& bounds, bool needs_filter_index, EventPartition& partition,
                      const char*& sql_reason);

// Unless it is open already. False, with the reason: only SQL can use it.
bool open_primary_key(EventPartition& partition, const char*& sql_reason);

// False: there is none that can be used now. The search works without it.
bool open_range_index(EventPartition& partition);

// REQUIRES: opened. NoLock keeps the locks to the end of the transaction. AccessShareLock releases them, for a
// partition of which nothing is shown. Otherwise a page over many partitions would take many more locks than the cheap
// ones.
void close_partition(EventPartition& partition, LOCKMODE lock);

}  // namespace audit::pg
