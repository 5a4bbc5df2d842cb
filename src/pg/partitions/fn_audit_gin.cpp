// The functions of the operator classes audit_prefix_ops and audit_bucket_ops. A value and a value that is looked for
// have one key, so the same function extracts both. A key may stand for other values, too, so rows are always checked.
#include "base/filter_key.hpp"
#include "base/sql_entry.hpp"

namespace audit::pg {
namespace {

std::string_view text_of_argument(FunctionCallInfo fcinfo) {
  const text* value = PG_GETARG_TEXT_PP(0);
  return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

// As GIN takes the keys of a value: an array, and how many.
Datum one_key(FunctionCallInfo fcinfo, Datum key) {
  auto* keys = static_cast<Datum*>(palloc(sizeof(Datum)));
  keys[0] = key;
  *reinterpret_cast<int32*>(PG_GETARG_POINTER(1)) = 1;
  return PointerGetDatum(keys);
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_gin_text_prefix) {
  using namespace audit::pg;
  text* value = PG_GETARG_TEXT_PP(0);
  if (VARSIZE_ANY_EXHDR(value) <= audit::filter_size_max) return one_key(fcinfo, PointerGetDatum(value));
  const std::string_view prefix = filter_prefix({VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)});
  return one_key(fcinfo, PointerGetDatum(cstring_to_text_with_len(prefix.data(), static_cast<int>(prefix.size()))));
}

AUDIT_SQL_FUNCTION(audit_gin_text_bucket) {
  using namespace audit::pg;
  return one_key(fcinfo, Int32GetDatum(audit::filter_bucket(text_of_argument(fcinfo))));
}

AUDIT_SQL_FUNCTION(audit_gin_bigint_bucket) {
  using namespace audit::pg;
  return one_key(fcinfo, Int32GetDatum(audit::filter_bucket(static_cast<std::int64_t>(PG_GETARG_INT64(0)))));
}

AUDIT_SQL_FUNCTION(audit_gin_consistent) {
  constexpr int recheck_argument = 5;
  *reinterpret_cast<bool*>(PG_GETARG_POINTER(recheck_argument)) = true;
  PG_RETURN_BOOL(reinterpret_cast<const bool*>(PG_GETARG_POINTER(0))[0]);
}
