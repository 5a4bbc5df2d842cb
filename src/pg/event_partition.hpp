// The partitions of audit_events, and what the posting engine needs of each.
#pragma once

#include "event_row.hpp"
#include "postgres_api.hpp"

namespace audit::pg {

// The columns that events are found by, in the order of PageRequest::filter_values.
constexpr int filter_columns[] = {6, 7, 8, 2, 12, 11};
constexpr int filter_count = lengthof(filter_columns);
static_assert(event_columns[6].name() == "event_group" && event_columns[7].name() == "event_type" &&
              event_columns[8].name() == "status" && event_columns[2].name() == "user_id" &&
              event_columns[12].name() == "vm_id" && event_columns[11].name() == "session_id");

struct PartitionBounds {
  Oid oid;
  KeyRange range;  // of the default partition: everything
  bool is_default;
};

// Those that can hold events of the range, newest first; the default partition, which may hold any that have no other,
// last. In the current memory context.
int list_partitions(Relation events, const KeyRange& range, PartitionBounds*& partitions);

// One partition, opened and locked to the end of the transaction.
struct EventPartition {
  Relation table;
  Relation primary_key;
  Relation filter_index;
  AttrNumber columns[event_column_count];  // attribute number of each event column
  int filter_index_columns[filter_count];  // column of the filter index (from 1) of event_group ... session_id
  AttrNumber last_key_or_filter_column;    // the highest attribute number of those a search looks at
};

enum class Opened { yes, is_gone, needs_sql };

// is_gone: dropped since it was listed. needs_sql, with the reason: it is foreign, partitioned itself, not a heap, has
// not the indexes, ... `partition` holds nothing open then.
Opened open_partition(const PartitionBounds& bounds, EventPartition& partition, const char*& sql_reason);

// Locks stay. REQUIRES: opened.
void close_partition(EventPartition& partition);

}  // namespace audit::pg
