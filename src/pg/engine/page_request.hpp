// The arguments of audit_list and audit_list_json, checked.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/page_filter.hpp"

namespace audit::pg {

// The arguments by position behind the first of them, as the SQL script declares them: the filters in the order of
// filter_columns, and the others.
constexpr int filter_arguments[] = {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18};
static_assert(lengthof(filter_arguments) == filter_count, "each filter is an argument");
constexpr int cursor_argument = 6;
constexpr int page_size_argument = 7;
constexpr int since_argument = 8;
constexpr int until_argument = 9;
constexpr int expression_argument = 19;

constexpr int page_size_default = 50;
constexpr int page_size_max = 200;

struct PageRequest {
  Oid function_oid;  // of the SQL function that was called; it leads to the schema
  Oid shard;         // of audit_events, to be searched instead of it; InvalidOid: none
  EventFilters filters;
  const PageFilter* filter;       // of filters.expression; nullptr: none
  std::optional<EventKey> after;  // the events behind this position; nullopt: from the newest on
  int page_size;
};
static_assert(std::is_trivially_destructible_v<PageRequest>);

// Raises 22023 for a page size out of range (constraint name page_size). Raises it also for an invalid cursor
// (cursor_invalid), and for a cursor that was made with other filters (cursor_mismatch). Raises it for an address with
// bits behind its prefix (ip_address) and for an invalid filter (filter_invalid), too. Texts are detoasted into the
// current memory context.
PageRequest read_page_request(FunctionCallInfo fcinfo, int first_argument = 0);

// A filter as the argument that it was, for a statement.
Datum filter_argument(std::size_t filter, const FilterValue& value);

}  // namespace audit::pg
