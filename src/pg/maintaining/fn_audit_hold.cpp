// audit_configure(), audit_hold() and audit_release(): what is wanted of partitions and retention, and what must stay.
#include "base/own_objects.hpp"
#include "base/own_rows.hpp"
#include "base/sql_entry.hpp"
#include "writing/trail_record.hpp"

namespace audit::pg {
namespace {

constexpr int premake_max = 366;
constexpr std::int64_t max_ahead_min_us = 60 * USECS_PER_SEC;
constexpr std::int64_t max_ahead_max_us = std::int64_t{10'000} * 360 * USECS_PER_DAY;

StatementArgument argument(FunctionCallInfo fcinfo, int position, Oid type) {
  return {type, PG_ARGISNULL(position) ? Datum{0} : PG_GETARG_DATUM(position), PG_ARGISNULL(position)};
}

const char* shown_interval(Datum interval) { return DatumGetCString(DirectFunctionCall1(interval_out, interval)); }

const char* shown_time(FunctionCallInfo fcinfo, int position) {
  return pstrdup(timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(position)));
}

// As PostgreSQL compares intervals: months of 30 days, days of 24 hours.
std::int64_t length_us(const Interval& interval) {
  return interval.time + (static_cast<std::int64_t>(interval.month) * DAYS_PER_MONTH + interval.day) * USECS_PER_DAY;
}

const char* checked_unit(FunctionCallInfo fcinfo) {
  const char* unit = PG_ARGISNULL(0) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(0));
  if (unit != nullptr && (strcmp(unit, "month") == 0 || strcmp(unit, "week") == 0 || strcmp(unit, "day") == 0))
    return unit;
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("partition_every is wrong"),
          errdetail("Got %s.", unit != nullptr ? quote_literal_cstr(unit) : "NULL"),
          errhint("Pass month, week or day."));
  return nullptr;
}

void check_keep(FunctionCallInfo fcinfo, const char* unit) {
  if (PG_ARGISNULL(1)) return;
  const int days = strcmp(unit, "month") == 0 ? DAYS_PER_MONTH : strcmp(unit, "week") == 0 ? 7 : 1;
  if (length_us(*PG_GETARG_INTERVAL_P(1)) >= days * USECS_PER_DAY) return;
  ereport(
      ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("keep is shorter than a partition"),
      errdetail("Got %s, and a partition is for one %s.", shown_interval(PG_GETARG_DATUM(1)), unit),
      errhint("Events leave by whole partitions: keep them longer, use shorter partitions, or pass NULL to keep them "
              "for ever."));
}

void check_premake(FunctionCallInfo fcinfo) {
  const bool is_given = !PG_ARGISNULL(2);
  if (is_given && PG_GETARG_INT32(2) >= 1 && PG_GETARG_INT32(2) <= premake_max) return;
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("premake is wrong"),
          errdetail("Got %s.", is_given ? psprintf("%d", PG_GETARG_INT32(2)) : "NULL"),
          errhint("Pass how many partitions to make ahead: 1 to 366."));
}

void check_max_ahead(FunctionCallInfo fcinfo) {
  const bool is_given = !PG_ARGISNULL(3);
  const std::int64_t length = is_given ? length_us(*PG_GETARG_INTERVAL_P(3)) : 0;
  if (length >= max_ahead_min_us && length <= max_ahead_max_us) return;
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("max_ahead is wrong"),
          errdetail("Got %s.", is_given ? shown_interval(PG_GETARG_DATUM(3)) : "NULL"),
          errhint("Pass how far ahead of the clock an event may be: a minute, since clocks differ, to 10000 years."));
}

void check_index_ids(FunctionCallInfo fcinfo) {
  if (!PG_ARGISNULL(4)) return;
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("index_ids is wrong"), errdetail("Got NULL."),
          errhint("Pass true or false."));
}

void save(const char* table, const char* sql, const StatementArgument* arguments, int count, int expected) {
  execute_as_owner(own_table(table), psprintf(sql, own_schema_name()), arguments, count, expected);
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_configure) {
  using namespace audit::pg;
  check_keep(fcinfo, checked_unit(fcinfo));
  check_premake(fcinfo);
  check_max_ahead(fcinfo);
  check_index_ids(fcinfo);
  const StatementArgument arguments[] = {argument(fcinfo, 0, TEXTOID), argument(fcinfo, 1, INTERVALOID),
                                         argument(fcinfo, 2, INT4OID), argument(fcinfo, 3, INTERVALOID),
                                         argument(fcinfo, 4, BOOLOID)};
  SPI_connect();
  save("audit_configuration",
       "INSERT INTO %s.audit_configuration AS c (partition_every, keep, premake, max_ahead, index_ids)"
       " VALUES ($1, $2, $3, $4, $5)"
       " ON CONFLICT ON CONSTRAINT audit_configuration_pkey DO UPDATE SET partition_every = excluded.partition_every,"
       " keep = excluded.keep, premake = excluded.premake, max_ahead = excluded.max_ahead,"
       " index_ids = excluded.index_ids",
       arguments, lengthof(arguments), SPI_OK_INSERT);
  SPI_finish();
  record_event("audit.configured", "configuration", nullptr,
               "pg_catalog.jsonb_build_object('partition_every', $1, 'keep', $2, 'premake', $3, 'max_ahead', $4, "
               "'index_ids', $5)",
               arguments, lengthof(arguments));
  PG_RETURN_VOID();
}

AUDIT_SQL_FUNCTION(audit_hold) {
  using namespace audit::pg;
  if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1) && PG_GETARG_TIMESTAMPTZ(0) >= PG_GETARG_TIMESTAMPTZ(1))
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a hold needs a time range"),
            errdetail("Got since %s and until %s.", shown_time(fcinfo, 0), shown_time(fcinfo, 1)),
            errhint("Pass since (inclusive) before until (exclusive); NULL leaves that end open."));
  if (PG_ARGISNULL(2) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(2)) == 0)
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a hold needs a reason"),
            errhint("Say for whom or what it is, such as the number of the case."));
  const StatementArgument arguments[] = {argument(fcinfo, 0, TIMESTAMPTZOID), argument(fcinfo, 1, TIMESTAMPTZOID),
                                         argument(fcinfo, 2, TEXTOID)};
  bool is_null = false;
  SPI_connect();
  save("audit_holds", "INSERT INTO %s.audit_holds (since, until, reason) VALUES ($1, $2, $3) RETURNING id", arguments,
       lengthof(arguments), SPI_OK_INSERT_RETURNING);
  if (SPI_processed != 1)
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the hold was not recorded"),
            errhint("A trigger or a rule on audit_holds has left it out."));
  const std::int64_t id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
  SPI_finish();
  record_event("audit.held", "hold", psprintf(INT64_FORMAT, id),
               "pg_catalog.jsonb_build_object('since', $1, 'until', $2, 'reason', $3)", arguments, lengthof(arguments));
  PG_RETURN_INT64(id);
}

AUDIT_SQL_FUNCTION(audit_release) {
  using namespace audit::pg;
  const StatementArgument id = argument(fcinfo, 0, INT8OID);
  const char* shown = id.is_null ? "NULL" : psprintf(INT64_FORMAT, PG_GETARG_INT64(0));
  SPI_connect();
  save("audit_holds",
       "UPDATE %s.audit_holds SET released_at = pg_catalog.now(), released_by = session_user"
       " WHERE id = $1 AND released_at IS NULL",
       &id, 1, SPI_OK_UPDATE);
  const bool is_found = SPI_processed > 0;
  SPI_finish();
  if (!is_found)
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("hold %s is not in force", shown),
            errhint("audit_holds lists the holds."));
  record_event("audit.released", "hold", shown, nullptr, nullptr, 0);
  PG_RETURN_VOID();
}
