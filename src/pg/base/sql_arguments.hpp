// Optional SQL arguments as std::optional: NULL means "not given" everywhere in this extension.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// An argument that the function's declaration lacks is not given: a new library runs before ALTER EXTENSION UPDATE
// declares what it adds.
inline bool is_given(FunctionCallInfo fcinfo, int position) { return position < PG_NARGS() && !PG_ARGISNULL(position); }

// Detoasted into the current memory context where it must be.
inline std::optional<std::string_view> text_argument(FunctionCallInfo fcinfo, int position) {
  if (!is_given(fcinfo, position)) return std::nullopt;
  const text* value = PG_GETARG_TEXT_PP(position);
  return std::string_view(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

// For bigint, and for timestamptz, whose value is microseconds since 2000.
inline std::optional<std::int64_t> int64_argument(FunctionCallInfo fcinfo, int position) {
  if (!is_given(fcinfo, position)) return std::nullopt;
  return PG_GETARG_INT64(position);
}

}  // namespace audit::pg
