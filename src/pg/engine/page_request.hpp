// The arguments of audit_list and audit_list_json, checked.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// The arguments by position, as the SQL script declares them.
enum class PageArgument {
  event_group,
  event_type,
  status,
  user_id,
  vm_id,
  session_id,
  cursor,
  page_size,
  since,
  until
};

constexpr int page_size_default = 50;
constexpr int page_size_max = 200;

struct PageRequest {
  Oid function_oid;  // of the SQL function that was called; it tells the extension's schema
  EventFilters filters;
  NullableDatum filter_values[8];  // event_group ... session_id, since, until; null: not given
  std::optional<EventKey> after;   // the events behind this position; nullopt: from the newest on
  int page_size;
};
static_assert(std::is_trivially_destructible_v<PageRequest>);

// Raises 22023 for a page size out of range (constraint name page_size) and for a cursor that is none (cursor_invalid)
// or was made with other filters (cursor_mismatch). Texts are detoasted into the current memory context.
PageRequest read_page_request(FunctionCallInfo fcinfo);

}  // namespace audit::pg
