// Also the SQL functions that audit_status is made of.
#include "partitions/event_edges.hpp"

#include "base/distribution.hpp"
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/pg_compat.hpp"
#include "base/sql_entry.hpp"
#include "partitions/event_partition.hpp"
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

std::optional<TimestampTz> edge_by_statement(Oid table, const char* condition, TimestampTz bound) {
  const StatementArgument bound_argument = {TIMESTAMPTZOID, TimestampTzGetDatum(bound), false};
  const StatementArgument edge =
      value_as_owner(psprintf("SELECT created_at FROM %s WHERE created_at %s LIMIT 1", quoted_table(table), condition),
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

// Where there is none, a statement finds the oldest event.
bool has_primary_key(Oid partition) {
  Relation table = table_open(partition, AccessShareLock);
  const bool has_key = table->rd_rel->relkind == RELKIND_RELATION && OidIsValid(primary_key_of(table));
  table_close(table, AccessShareLock);
  return has_key;
}

std::optional<TimestampTz> oldest_by_statement(const KeyRange& range) {
  const TimestampTz until = range.before.created_at_us;
  const char* condition =
      psprintf(">= $1 AND created_at < %s ORDER BY created_at", until == DT_NOEND ? "'infinity'" : quoted_time(until));
  return edge_by_statement(own_table("audit_events"), condition, range.from.created_at_us);
}

// False, with a warning: its server does not answer.
bool ask_server(const PartitionBounds& bounds, std::optional<TimestampTz>& oldest) {
  const MemoryContext context = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  volatile bool is_asked = true;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(context);
  PG_TRY();
  {
    oldest = oldest_by_statement(bounds.range);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ErrorData* error = CopyErrorData();
    if (error->sqlerrcode == ERRCODE_QUERY_CANCELED) ReThrowError(error);
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(context);
    ereport(WARNING, errmsg("the oldest event of partition \"%s\" is not known", get_rel_name(bounds.oid)),
            errdetail("%s", error->message));
    is_asked = false;
  }
  PG_END_TRY();
  MemoryContextSwitchTo(context);
  CurrentResourceOwner = owner;
  return is_asked;
}

// From the oldest partition on, so that at most one server is asked that has events.
std::optional<TimestampTz> oldest_of_all() {
  Relation events = table_open(own_table("audit_events"), AccessShareLock);
  PartitionBounds* partitions = nullptr;
  int count = list_partitions(events, {}, partitions);
  table_close(events, AccessShareLock);
  std::optional<TimestampTz> oldest;
  if (count > 0 && partitions[count - 1].is_default) oldest = oldest_event(partitions[--count].oid, DT_NOBEGIN);
  for (int i = count - 1; i >= 0; i--) {
    const PartitionBounds& bounds = partitions[i];
    if (oldest && *oldest < bounds.range.from.created_at_us) return oldest;
    std::optional<TimestampTz> here;
    if (has_primary_key(bounds.oid))
      here = oldest_event(bounds.oid, DT_NOBEGIN);
    else if (!ask_server(bounds, here))
      return std::nullopt;
    if (here) return oldest ? Min(*here, *oldest) : *here;
  }
  return oldest;
}

}  // namespace

std::optional<TimestampTz> oldest_event(Oid partition, TimestampTz since) {
  if (is_distributed(partition)) return edge_by_statement(partition, ">= $1 ORDER BY created_at", since);
  const KeyScan scan = begin_scan(partition, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, since);
  const std::optional<TimestampTz> event = next_event(scan, ForwardScanDirection);
  end_scan(scan);
  return event;
}

std::optional<TimestampTz> newest_event(Oid partition, TimestampTz until) {
  if (is_distributed(partition)) return edge_by_statement(partition, "< $1 ORDER BY created_at DESC", until);
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

// A server that is down must not hide the rest of the status: then it is not known.
AUDIT_SQL_FUNCTION(audit_oldest_event) {
  using namespace audit::pg;
  const std::optional<TimestampTz> event = oldest_of_all();
  if (!event) PG_RETURN_NULL();
  PG_RETURN_TIMESTAMPTZ(*event);
}
