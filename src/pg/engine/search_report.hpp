// What a page cost and how it was found: for audit_explain and the tests.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct SearchReport {
  const char* sql_reason = nullptr;       // why the SQL path answered the whole page; nullptr: it did not
  const char* sql_part_reason = nullptr;  // which partitions the SQL path read, and why; nullptr: none
  bool is_distributed = false;            // that is why; the shards are left to search
  int shards_asked = 0;
  int partitions_opened = 0;
  unsigned filters_with_list = 0;     // bits in the order of filter_columns: their values had lists
  unsigned filters_without_list = 0;  // bits in the order of filter_columns: in some partition, rows decided alone
  std::int64_t index_pages_read = 0;
  std::int64_t pending_entries_read = 0;  // of filter indexes' pending lists
  std::int64_t tids_decoded = 0;          // out of posting lists
  std::int64_t keys_walked = 0;           // entries of primary keys
  std::int64_t block_ranges_read = 0;     // summaries in BRIN indexes
  std::int64_t heap_tuples_fetched = 0;
  std::int64_t rows_checked = 0;  // that `filter` was compared with
};

}  // namespace audit::pg
