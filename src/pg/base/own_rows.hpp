// Reads the extension's small tables row by row, without the planner and without checks of rights. A plan would
// evaluate index predicates and policies of the table's owner with the reader's rights.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct OwnRows {
  Relation table;
  Snapshot snapshot;
  TableScanDesc scan;
  TupleTableSlot* slot;
};

// With the newest snapshot.
OwnRows begin_own_rows(const char* table_name);
bool next_own_row(OwnRows& rows);

// The value of a column of the row, valid until the next one; `is_null` also where the table has no such column.
Datum own_value(const OwnRows& rows, const char* column, bool& is_null);
void end_own_rows(OwnRows& rows);

// The arguments of audit_configure(), or its defaults.
struct Configuration {
  const char* partition_every;  // "month", "week" or "day", in the current memory context
  bool is_kept_for_ever;
  Interval keep;
  int premake;
  Interval max_ahead;
  bool index_ids;
};

Configuration read_configuration();

}  // namespace audit::pg
