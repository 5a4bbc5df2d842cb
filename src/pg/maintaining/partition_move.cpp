// The steps of a move, and what this session has done of it.
#include "maintaining/partition_move.hpp"

#include "base/distribution.hpp"
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/pg_compat.hpp"
#include "base/trail.hpp"
#include "maintaining/maintenance_steps.hpp"
#include "maintaining/move_mirror.hpp"
#include "maintaining/move_tables.hpp"
#include "partitions/event_edges.hpp"
#include "partitions/event_partition.hpp"
#include "partitions/partition_ddl.hpp"

namespace audit::pg {
namespace {

// What this session has done of the move.
struct Progress {
  Mirror mirror;
  bool is_uncommitted;  // something of it was done by the transaction that is running
  bool is_copied;
  bool is_waiting;  // `snapshots` were looked up, after the copies were committed
  bool is_over;     // and all are gone
  TimestampTz last_created_at;
  pg_uuid_t last_id;
  VirtualTransactionId* snapshots;
  int snapshot_count;
};

Progress progress;

void forget_progress() {
  if (progress.snapshots != nullptr) pfree(progress.snapshots);
  progress = {};
}

void on_transaction_end(XactEvent event, void*) {
  if (event == XACT_EVENT_ABORT && progress.is_uncommitted) forget_progress();
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE) progress.is_uncommitted = false;
}

void on_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId, void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB && progress.is_uncommitted) forget_progress();
}

const char* copy_sql() {
  constexpr int batch_size = 1000;  // few: a commit of another session writes their WAL too
  const char* columns = column_list(default_table());
  return psprintf(
      "WITH batch AS MATERIALIZED (SELECT %1$s FROM ONLY %2$s e WHERE (e.created_at, e.id) > ($1, $2)"
      " ORDER BY e.created_at, e.id LIMIT %4$d),"
      // What the trigger has copied already is there.
      " copied AS (INSERT INTO %3$s (%1$s) SELECT %1$s FROM batch ON CONFLICT DO NOTHING)"
      " SELECT b.created_at, b.id FROM batch b ORDER BY b.created_at DESC, b.id DESC LIMIT 1",
      columns, quoted_table(default_table()), quoted_table(progress.mirror.table), batch_size);
}

void begin_progress(const Mirror& mirror) {
  forget_progress();
  progress.mirror = mirror;
  progress.last_created_at = DT_NOBEGIN;
}

bool is_among(const VirtualTransactionId& snapshot, const VirtualTransactionId* others, int count) {
  return std::any_of(others, others + count,
                     [&](const auto& other) { return VirtualTransactionIdEquals(snapshot, other); });
}

VirtualTransactionId* snapshots_now(int& count) {
  return GetCurrentVirtualXIDs(InvalidTransactionId, true, false, PROC_IS_AUTOVACUUM | PROC_IN_VACUUM, &count);
}

void note_snapshots() {
  const VirtualTransactionId* now = snapshots_now(progress.snapshot_count);
  const std::size_t size = sizeof(VirtualTransactionId) * static_cast<std::size_t>(progress.snapshot_count);
  progress.snapshots = static_cast<VirtualTransactionId*>(MemoryContextAlloc(TopMemoryContext, size + 1));
  memcpy(progress.snapshots, now, size);
  progress.is_waiting = true;
}

bool are_snapshots_gone() {
  int count = 0;
  const VirtualTransactionId* now = snapshots_now(count);
  return std::none_of(progress.snapshots, progress.snapshots + progress.snapshot_count,
                      [&](const auto& snapshot) { return is_among(snapshot, now, count); });
}

// As TRUNCATE does, without its triggers, which may be another role's. REQUIRES: ACCESS EXCLUSIVE on the table.
void empty_storage(Oid table) {
  Relation relation = table_open(table, NoLock);
  CheckTableNotInUse(relation, "TRUNCATE");
  CheckTableForSerializableConflictIn(relation);
  set_new_storage(relation);
  if (OidIsValid(relation->rd_rel->reltoastrelid)) {
    Relation toast = table_open(relation->rd_rel->reltoastrelid, AccessExclusiveLock);
    set_new_storage(toast);
    table_close(toast, NoLock);
  }
  reindex_table(table);
  pgstat_count_truncate(relation);
  table_close(relation, NoLock);
}

// Events that are too far ahead for a partition go back.
void put_rest_back() {
  const Oid rest = own_move_table(rest_name);
  if (!oldest_event(rest, DT_NOBEGIN)) return;
  give_to_owner_of_events(rest);
  const char* columns = column_list(default_table());
  put_back_as_owner(default_table(), psprintf("INSERT INTO %s (%s) SELECT %s FROM %s", quoted_table(default_table()),
                                              columns, columns, quoted_table(rest)));
}

void attach_targets(Oid move, const PartitionBounds* targets, int count) {
  for (int i = 0; i < count; i++) {
    if (targets[i].is_default) continue;
    give_to_owner_of_events(targets[i].oid);
    run_command("ALTER TABLE %s DETACH PARTITION %s", quoted_table(move), quoted_table(targets[i].oid));
    attach_partition(targets[i].oid, targets[i].range.from.created_at_us, targets[i].range.before.created_at_us);
  }
}

void lock_for_finish(Oid move, const PartitionBounds* targets, int count) {
  Oid* tables = static_cast<Oid*>(palloc(sizeof(Oid) * static_cast<std::size_t>(count + 2)));
  tables[0] = default_table();
  tables[1] = move;
  for (int i = 0; i < count; i++) tables[i + 2] = targets[i].oid;
  lock_against_everybody(tables, count + 2);
}

}  // namespace

const char* begin_move() {
  // The trail's own guards on the shards let no event out of the default partition.
  if (is_distributed(default_table())) return "nothing";
  const Oid move = own_move_table(move_name);
  // A run before this one did not get to its end: it is taken up where that left off.
  if (OidIsValid(move) && OidIsValid(mirror_in_force().table) && !is_misplaced(move)) return "done";
  const Oid table = default_table();
  if (is_mirrored()) {
    lock_against_everybody(&table, 1);
    drop_mirror();
  }
  if (OidIsValid(move)) run_command("DROP TABLE %s", quoted_table(move));
  if (oldest_event(table, DT_NOBEGIN).value_or(DT_NOEND) >= made_until()) return "nothing";
  make_move_table();
  make_mirror();
  return "done";
}

const char* copy_events() {
  const Mirror mirror = mirror_in_force();
  if (!OidIsValid(mirror.table)) return "again";
  if (!is_same(mirror, progress.mirror)) begin_progress(mirror);
  if (progress.is_copied) return "done";
  // Copies need not be on disk before finish_move() is: the next run copies again what a crash takes. So sessions that
  // commit meanwhile do not queue behind their fsync.
  set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
  const StatementArgument last[] = {{TIMESTAMPTZOID, TimestampTzGetDatum(progress.last_created_at), false},
                                    {UUIDOID, UUIDPGetDatum(&progress.last_id), false}};
  execute_as_owner(default_table(), copy_sql(), last, lengthof(last), SPI_OK_SELECT);
  progress.is_uncommitted = true;
  progress.is_copied = SPI_processed == 0;
  if (progress.is_copied) return "done";
  bool is_null = false;
  HeapTuple row = SPI_tuptable->vals[0];
  progress.last_created_at = DatumGetTimestampTz(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null));
  progress.last_id = *DatumGetUUIDP(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
  return "more";
}

// Before they are read, since the planner knows nothing of a table that was never analyzed.
const char* analyze_copies() {
  const Oid move = own_move_table(move_name);
  if (!OidIsValid(move)) return "again";
  PartitionBounds* targets = nullptr;
  const int count = partitions_of(move, targets);
  for (int i = 0; i < count; i++)
    if (!targets[i].is_default) run_command("ANALYZE %s", quoted_table(targets[i].oid));
  return "done";
}

const char* wait_for_snapshots() {
  if (!progress.is_copied || progress.is_uncommitted) return "again";
  if (!progress.is_waiting) note_snapshots();
  progress.is_over = progress.is_over || are_snapshots_gone();
  return progress.is_over ? "done" : "busy";
}

const char* finish_move() {
  // Thought out before the locks are taken.
  const Oid move = own_move_table(move_name);
  if (!OidIsValid(move) || !progress.is_over || is_misplaced(move)) return "again";
  PartitionBounds* targets = nullptr;
  const int count = partitions_of(move, targets);
  lock_for_finish(move, targets, count);
  if (!is_same(mirror_in_force(), progress.mirror) || progress.mirror.table != move || is_misplaced(move))
    return "again";
  empty_storage(default_table());
  drop_mirror();
  put_rest_back();
  attach_targets(move, targets, count);
  forget_progress();
  return "done";
}

const char* clean_up_move() {
  // A move that could not be finished is taken up by the next run.
  if (is_mirrored()) return "done";
  if (const Oid move = own_move_table(move_name); OidIsValid(move)) run_command("DROP TABLE %s", quoted_table(move));
  PartitionBounds* partitions = nullptr;
  const int count = partitions_of(own_table("audit_events"), partitions);
  for (int i = 0; i < count; i++) {
    if (!has_range_check(partitions[i].oid)) continue;
    drop_range_check(partitions[i].oid);
    return "more";
  }
  return "done";
}

void watch_aborts() {
  RegisterXactCallback(on_transaction_end, nullptr);
  RegisterSubXactCallback(on_subtransaction_end, nullptr);
}

}  // namespace audit::pg
