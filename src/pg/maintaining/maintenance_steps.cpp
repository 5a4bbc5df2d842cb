#include "maintaining/maintenance_steps.hpp"

#include "base/own_objects.hpp"
#include "base/own_rows.hpp"
#include "base/owner_rights.hpp"
#include "partitions/event_edges.hpp"
#include "partitions/event_partition.hpp"
#include "partitions/partition_ddl.hpp"
#include "writing/trail_record.hpp"

namespace audit::pg {
namespace {

// No partition is made while so many events wait in the default partition. PostgreSQL would scan them under an
// exclusive lock.
constexpr std::int64_t unmoved_events_max = 10'000;

bool is_default_free(TimestampTz since, TimestampTz until) {
  return oldest_event(own_table("audit_events_default"), since).value_or(until) >= until;
}

bool is_default_crowded() {
  const Oid table = own_table("audit_events_default");
  return oldest_event(table, DT_NOBEGIN).value_or(DT_NOEND) < made_until() &&
         count_events(table, DT_NOBEGIN, unmoved_events_max + 1) > unmoved_events_max;
}

Oid next_expired() { return DatumGetObjectId(OidFunctionCall0(own_function("audit_next_expired"))); }

PartitionBounds bounds_of(Oid partition) {
  Relation events = table_open(own_table("audit_events"), AccessShareLock);
  PartitionBounds* all = nullptr;
  const int count = list_partitions(events, {}, all);
  PartitionBounds found{};
  for (int i = 0; i < count; i++)
    if (all[i].oid == partition) found = all[i];
  table_close(events, AccessShareLock);
  return found;
}

// A hold or a longer keep may just be coming.
void lock_what_keeps() {
  for (const char* table : {"audit_holds", "audit_configuration"})
    if (!ConditionalLockRelationOid(own_table(table), ShareLock))
      ereport(ERROR, errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("\"%s\" is just being changed", table));
}

void record_drop(const char* name, const KeyRange& range) {
  const StatementArgument details[] = {{TIMESTAMPTZOID, TimestampTzGetDatum(range.from.created_at_us), false},
                                       {TIMESTAMPTZOID, TimestampTzGetDatum(range.before.created_at_us), false}};
  record_event("audit.partition_dropped", "table", name, "pg_catalog.jsonb_build_object('since', $1, 'until', $2)",
               details, lengthof(details));
}

bool flush_indexes_of(Oid partition) {
  Relation table = try_relation_open(partition, AccessShareLock);
  if (table == nullptr) return false;
  bool was_flushed = false;
  ListCell* cell = nullptr;
  foreach (cell, table->rd_rel->relkind == RELKIND_RELATION ? RelationGetIndexList(table) : NIL) {
    Relation index = index_open(lfirst_oid(cell), AccessShareLock);
    const bool is_filled = index->rd_rel->relam == GIN_AM_OID && index->rd_index->indisvalid;
    index_close(index, AccessShareLock);
    if (is_filled && DatumGetInt64(OidFunctionCall1(F_GIN_CLEAN_PENDING_LIST, ObjectIdGetDatum(lfirst_oid(cell)))) > 0)
      was_flushed = true;
  }
  relation_close(table, AccessShareLock);
  return was_flushed;
}

bool has_owner_of_events(Oid partition) {
  return owner_of_table(partition) == owner_of_table(own_table("audit_events"));
}

}  // namespace

TimestampTz made_until() { return DatumGetTimestampTz(OidFunctionCall0(own_function("audit_made_until"))); }

int bounds_from(Datum array, TimestampTz*& bounds) {
  Datum* elements = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(array), TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
                    &elements, nullptr, &count);
  bounds = static_cast<TimestampTz*>(palloc(sizeof(TimestampTz) * static_cast<std::size_t>(count + 1)));
  for (int i = 0; i < count; i++) bounds[i] = DatumGetTimestampTz(elements[i]);
  return count / 2;
}

const char* guard_partitions() {
  ListCell* cell = nullptr;
  const Oid events = own_table("audit_events");
  foreach (cell, find_all_inheritors(events, AccessShareLock, nullptr)) {
    const Oid partition = lfirst_oid(cell);
    const bool has_guards = get_rel_relkind(partition) == RELKIND_FOREIGN_TABLE || !needs_guards(partition);
    if (partition == events || (has_guards && has_owner_of_events(partition))) continue;
    if (!has_guards) guard_partition(partition);
    give_to_owner_of_events(partition);
    return "more";
  }
  return "done";
}

const char* record_left() {
  OwnRows rows = begin_own_rows("audit_events_dump");
  const bool is_empty = !next_own_row(rows);
  end_own_rows(rows);
  if (is_empty) return "done";
  const Oid dump = own_table("audit_events_dump");
  const char* columns = column_list(dump);
  give_to_owner_of_events(dump);
  const Oid events = own_table("audit_events");
  put_back_as_owner(
      events, psprintf("WITH left_over AS (DELETE FROM %s RETURNING %s) INSERT INTO %s (%s) SELECT %s FROM left_over",
                       quoted_table(dump), columns, quoted_table(events), columns, columns));
  return "done";
}

const char* create_due() {
  TimestampTz* due = nullptr;
  const int count = bounds_from(OidFunctionCall0(own_function("audit_due_bounds")), due);
  if (count == 0 || is_default_crowded()) return "done";
  for (int i = 0; i < count; i++) {
    if (!is_default_free(due[2 * i], due[2 * i + 1])) continue;
    create_partition(due[2 * i], due[2 * i + 1]);
    return "more";
  }
  return "done";
}

// Dropping a foreign table removes no events. While its server has some, they would be neither kept nor removed.
void check_is_gone(Oid partition) {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(partition, AccessShareLock, nullptr)) {
    const Oid table = lfirst_oid(cell);
    if (get_rel_relkind(table) != RELKIND_FOREIGN_TABLE) continue;
    execute_as_owner(table, psprintf("SELECT FROM %s LIMIT 1", quoted_table(table)), nullptr, 0, SPI_OK_SELECT);
    if (SPI_processed > 0)
      ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
              errmsg("foreign partition \"%s\" has expired, but its server still has its events", get_rel_name(table)),
              errhint("The keep of that server removes them; after that the foreign partition is dropped."));
  }
}

// DROP rather than DETACH CONCURRENTLY and DROP: that is refused where there is a default partition, and in functions.
// DROP takes the lock that a plain DETACH takes, for as long; the files go after COMMIT has released it.
const char* drop_expired() {
  const Oid expired = next_expired();
  if (!OidIsValid(expired)) return "done";
  check_is_gone(expired);  // before the locks: a server may take its time
  lock_what_keeps();
  lock_against_everybody(&expired, 1);
  if (next_expired() != expired) return "more";
  const PartitionBounds bounds = bounds_of(expired);
  const char* name = get_rel_name(expired);
  run_command("DROP %sTABLE %s", get_rel_relkind(expired) == RELKIND_FOREIGN_TABLE ? "FOREIGN " : "",
              quoted_table(expired));
  record_drop(name, bounds.range);
  return "more";
}

const char* flush_past() {
  Relation events = table_open(own_table("audit_events"), AccessShareLock);
  PartitionBounds* partitions = nullptr;
  const int count = list_partitions(events, {}, partitions);
  table_close(events, AccessShareLock);
  for (int i = 0; i < count; i++) {
    const bool is_past = !partitions[i].is_default && partitions[i].range.before.created_at_us <= GetCurrentTimestamp();
    if (is_past && flush_indexes_of(partitions[i].oid)) return "more";
  }
  return "done";
}

}  // namespace audit::pg
