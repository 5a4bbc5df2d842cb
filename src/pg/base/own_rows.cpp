// Also the SQL functions that show what they hold.
#include "base/own_rows.hpp"

#include "base/own_objects.hpp"
#include "base/sql_arguments.hpp"
#include "base/sql_entry.hpp"

namespace audit::pg {
namespace {

constexpr int default_premake = 3;

Interval one_day() {
  Interval interval{};
  interval.day = 1;
  return interval;
}

Datum row_of(FunctionCallInfo fcinfo, Datum* values, bool* nulls) {
  TupleDesc descriptor = nullptr;
  if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

bool is_hold_over(const OwnRows& rows, std::optional<std::int64_t> since, std::optional<std::int64_t> until) {
  bool is_in_force = false, is_from_the_first = false, is_to_the_last = false;
  own_value(rows, "released_at", is_in_force);
  const TimestampTz from = DatumGetTimestampTz(own_value(rows, "since", is_from_the_first));
  const TimestampTz before = DatumGetTimestampTz(own_value(rows, "until", is_to_the_last));
  return is_in_force && (is_from_the_first || !until || from < *until) && (is_to_the_last || !since || before > *since);
}

}  // namespace

OwnRows begin_own_rows(const char* table_name) {
  OwnRows rows{};
  rows.table = table_open(own_table(table_name), AccessShareLock);
  rows.snapshot = RegisterSnapshot(GetLatestSnapshot());
  rows.scan = table_beginscan(rows.table, rows.snapshot, 0, nullptr);
  rows.slot = table_slot_create(rows.table, nullptr);
  return rows;
}

bool next_own_row(OwnRows& rows) { return table_scan_getnextslot(rows.scan, ForwardScanDirection, rows.slot); }

Datum own_value(const OwnRows& rows, const char* column, bool& is_null) {
  const AttrNumber number = get_attnum(RelationGetRelid(rows.table), column);
  is_null = true;
  return number > 0 ? slot_getattr(rows.slot, number, &is_null) : Datum{0};
}

void end_own_rows(OwnRows& rows) {
  ExecDropSingleTupleTableSlot(rows.slot);
  table_endscan(rows.scan);
  UnregisterSnapshot(rows.snapshot);
  table_close(rows.table, AccessShareLock);
}

Configuration read_configuration() {
  Configuration configuration = {"month", true, {}, default_premake, one_day(), false};
  OwnRows rows = begin_own_rows("audit_configuration");
  if (next_own_row(rows)) {
    bool is_null = false;
    const Datum every = own_value(rows, "partition_every", is_null);
    if (!is_null) configuration.partition_every = TextDatumGetCString(every);
    const Datum premake = own_value(rows, "premake", is_null);
    if (!is_null) configuration.premake = DatumGetInt32(premake);
    const Datum max_ahead = own_value(rows, "max_ahead", is_null);
    if (!is_null) configuration.max_ahead = *DatumGetIntervalP(max_ahead);
    const Datum index_ids = own_value(rows, "index_ids", is_null);
    if (!is_null) configuration.index_ids = DatumGetBool(index_ids);
    const Datum keep = own_value(rows, "keep", configuration.is_kept_for_ever);
    if (!configuration.is_kept_for_ever) configuration.keep = *DatumGetIntervalP(keep);
  }
  end_own_rows(rows);
  return configuration;
}

}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_effective_configuration) {
  using namespace audit::pg;
  Configuration configuration = read_configuration();
  Datum values[] = {CStringGetTextDatum(configuration.partition_every), IntervalPGetDatum(&configuration.keep),
                    Int32GetDatum(configuration.premake), IntervalPGetDatum(&configuration.max_ahead),
                    BoolGetDatum(configuration.index_ids)};
  bool nulls[] = {false, configuration.is_kept_for_ever, false, false, false};
  return row_of(fcinfo, values, nulls);
}

AUDIT_SQL_FUNCTION(audit_count_holds) {
  using namespace audit::pg;
  std::int64_t count = 0;
  OwnRows rows = begin_own_rows("audit_holds");
  while (next_own_row(rows))
    if (is_hold_over(rows, int64_argument(fcinfo, 0), int64_argument(fcinfo, 1))) count++;
  end_own_rows(rows);
  PG_RETURN_INT64(count);
}

AUDIT_SQL_FUNCTION(audit_last_run) {
  using namespace audit::pg;
  constexpr const char* columns[] = {"began_at", "succeeded_at", "error"};
  Datum values[lengthof(columns)] = {};
  bool nulls[lengthof(columns)] = {true, true, true};
  OwnRows rows = begin_own_rows("audit_maintenance");
  const bool is_known = next_own_row(rows);
  for (int i = 0; is_known && i < static_cast<int>(lengthof(columns)); i++)
    values[i] = own_value(rows, columns[i], nulls[i]);
  const Datum row = row_of(fcinfo, values, nulls);
  end_own_rows(rows);
  return row;
}
