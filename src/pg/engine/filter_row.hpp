// The values of one row as a filter compares them. Columns are taken out of the row only as far as terms need them.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/page_filter.hpp"
#include "partitions/partition_shapes.hpp"

namespace audit::pg {

class FilterRow {
 public:
  // REQUIRES: is_match() is called only with a filter.
  FilterRow(const PageFilter* filter, const PartitionShape& shape) : filter_(filter), shape_(shape) {}

  // Leaves nothing behind in the current memory context but a context of its own, which is emptied for each row.
  bool is_match(TupleTableSlot* slot);

  // Of one term, for matches_filter().
  bool matches(const FilterNode& term);

 private:
  varlena* unpacked(std::size_t column, Datum value);
  bool fits(const FilterNode& term, Datum value);

  const PageFilter* filter_;
  const PartitionShape& shape_;
  TupleTableSlot* slot_ = nullptr;
  MemoryContext context_ = nullptr;
  varlena* unpacked_[event_column_count] = {};  // of this row; nullptr: it was not toasted, or is not needed yet
  bool has_unpacked_ = false;
};
static_assert(std::is_trivially_destructible_v<FilterRow>);

}  // namespace audit::pg
