// Also the SQL functions that audit_status is made of.
#include "partitions/event_edges.hpp"

#include "base/distribution.hpp"
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/pg_compat.hpp"
#include "base/sql_entry.hpp"
#include "partitions/partition_ddl.hpp"

namespace audit::pg {
namespace {

constexpr std::int64_t count_max = 1000;

struct KeyScan {
  Relation table, index;
  Snapshot snapshot;
  IndexScanDesc scan;
  TupleTableSlot* slot;
};

KeyScan begin_scan(Oid partition, StrategyNumber strategy, RegProcedure comparison, TimestampTz bound) {
  KeyScan scan{};
  scan.table = table_open(partition, AccessShareLock);
  const Oid index = primary_key_of(scan.table);
  if (!OidIsValid(index))
    ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
            errmsg("\"%s\" has no primary key", RelationGetRelationName(scan.table)));
  scan.index = index_open(index, AccessShareLock);
  scan.snapshot = RegisterSnapshot(GetLatestSnapshot());
  scan.slot = table_slot_create(scan.table, nullptr);
  ScanKeyData key;
  ScanKeyInit(&key, 1, strategy, comparison, TimestampTzGetDatum(bound));
  scan.scan = begin_index_scan(scan.table, scan.index, scan.snapshot, 1);
  index_rescan(scan.scan, &key, 1, nullptr, 0);
  return scan;
}

std::optional<TimestampTz> next_event(const KeyScan& scan, ScanDirection direction) {
  if (!index_getnext_slot(scan.scan, direction, scan.slot)) return std::nullopt;
  bool is_null = false;
  return DatumGetTimestampTz(slot_getattr(scan.slot, scan.index->rd_index->indkey.values[0], &is_null));
}

void end_scan(const KeyScan& scan) {
  index_endscan(scan.scan);
  ExecDropSingleTupleTableSlot(scan.slot);
  UnregisterSnapshot(scan.snapshot);
  index_close(scan.index, AccessShareLock);
  table_close(scan.table, AccessShareLock);
}

// A value that is passed by value, with the rights of the owner of audit_events. NULL where nothing is found.
StatementArgument value_as_owner(const char* sql, const StatementArgument* bound) {
  StatementArgument value = {InvalidOid, Datum{0}, true};
  SPI_connect();
  execute_as_owner(own_table("audit_events"), sql, bound, bound == nullptr ? 0 : 1, SPI_OK_SELECT);
  if (SPI_processed > 0) value.value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &value.is_null);
  SPI_finish();
  return value;
}

std::optional<TimestampTz> distributed_edge(Oid partition, const char* condition, TimestampTz bound) {
  const StatementArgument bound_argument = {TIMESTAMPTZOID, TimestampTzGetDatum(bound), false};
  const StatementArgument edge = value_as_owner(
      psprintf("SELECT created_at FROM %s WHERE created_at %s LIMIT 1", quoted_table(partition), condition),
      &bound_argument);
  if (edge.is_null) return std::nullopt;
  return DatumGetTimestampTz(edge.value);
}

std::int64_t count_distributed(Oid partition, TimestampTz since, std::int64_t max) {
  const StatementArgument bound = {TIMESTAMPTZOID, TimestampTzGetDatum(since), false};
  const char* sql =
      psprintf("SELECT pg_catalog.count(*) FROM (SELECT 1 FROM %s WHERE created_at >= $1 LIMIT " INT64_FORMAT ") e",
               quoted_table(partition), static_cast<int64>(max));
  return DatumGetInt64(value_as_owner(sql, &bound).value);
}

}  // namespace

std::optional<TimestampTz> oldest_event(Oid partition, TimestampTz since) {
  if (is_distributed(partition)) return distributed_edge(partition, ">= $1 ORDER BY created_at", since);
  const KeyScan scan = begin_scan(partition, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, since);
  const std::optional<TimestampTz> event = next_event(scan, ForwardScanDirection);
  end_scan(scan);
  return event;
}

std::optional<TimestampTz> newest_event(Oid partition, TimestampTz until) {
  if (is_distributed(partition)) return distributed_edge(partition, "< $1 ORDER BY created_at DESC", until);
  const KeyScan scan = begin_scan(partition, BTLessStrategyNumber, F_TIMESTAMPTZ_LT, until);
  const std::optional<TimestampTz> event = next_event(scan, BackwardScanDirection);
  end_scan(scan);
  return event;
}

std::int64_t count_events(Oid partition, TimestampTz since, std::int64_t max) {
  if (is_distributed(partition)) return count_distributed(partition, since, max);
  const KeyScan scan = begin_scan(partition, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, since);
  std::int64_t count = 0;
  while (count < max && next_event(scan, ForwardScanDirection)) count++;
  end_scan(scan);
  return count;
}

}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_count_default_events) {
  using namespace audit::pg;
  PG_RETURN_INT64(count_events(own_table("audit_events_default"), PG_GETARG_TIMESTAMPTZ(0), count_max));
}

AUDIT_SQL_FUNCTION(audit_oldest_default_event) {
  using namespace audit::pg;
  const std::optional<TimestampTz> event = oldest_event(own_table("audit_events_default"), DT_NOBEGIN);
  if (!event) PG_RETURN_NULL();
  PG_RETURN_TIMESTAMPTZ(*event);
}

// Of all partitions, foreign ones included: by a statement, with the rights of the owner of audit_events.
AUDIT_SQL_FUNCTION(audit_oldest_event) {
  using namespace audit::pg;
  const StatementArgument event = value_as_owner(
      psprintf("SELECT created_at FROM %s ORDER BY created_at LIMIT 1", quoted_table(own_table("audit_events"))),
      nullptr);
  if (event.is_null) PG_RETURN_NULL();
  return event.value;
}
