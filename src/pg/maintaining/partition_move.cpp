// The move out of the default partition: see the header. Also audit_mirror(), its trigger.
#include "maintaining/partition_move.hpp"

#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/pg_compat.hpp"
#include "base/sql_entry.hpp"
#include "base/trail.hpp"
#include "maintaining/maintenance_steps.hpp"
#include "partitions/event_edges.hpp"
#include "partitions/event_partition.hpp"
#include "partitions/partition_ddl.hpp"

namespace audit::pg {
namespace {

constexpr const char* move_name = "audit_events_move";
constexpr const char* rest_name = "audit_events_move_rest";
constexpr const char* mirror_name = "audit_mirror";
constexpr const char* range_check_name = "audit_move_range";

// Events from far apart must make neither thousands of partitions nor a long list to attach at once. So of the past the
// newest have a partition for each period, and what is older than those shares one for each gap.
constexpr int past_periods_max = 12;

// One version of the row of the copying trigger. Switching the trigger off, even for a moment, makes another version.
struct Mirror {
  Oid table;  // where it copies to; InvalidOid: there is no move that can be gone on with
  Oid trigger;
  ItemPointerData row_position;
  TransactionId row_inserted_by;
};

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

bool is_same(const Mirror& a, const Mirror& b) {
  return OidIsValid(a.table) && a.table == b.table && a.trigger == b.trigger &&
         a.row_inserted_by == b.row_inserted_by &&
         ItemPointerEquals(const_cast<ItemPointer>(&a.row_position), const_cast<ItemPointer>(&b.row_position));
}

Oid default_table() { return own_table("audit_events_default"); }

// InvalidOid: there is none.
Oid own_move_table(const char* name) {
  const Oid table = get_relname_relid(name, extension_schema());
  if (OidIsValid(table) && owner_of_table(table) != GetUserId())
    ereport(ERROR, errcode(ERRCODE_DUPLICATE_TABLE), errmsg("\"%s\" belongs to somebody else", name),
            errdetail("Maintenance makes a table of that name for itself."), errhint("Rename or drop it."));
  return table;
}

bool copies_everything(const FormData_pg_trigger& trigger, bool has_condition) {
  return trigger.tgfoid == own_function("audit_mirror") && trigger.tgtype == (TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT) &&
         trigger.tgenabled == TRIGGER_FIRES_ALWAYS && !OidIsValid(trigger.tgconstraint) && !has_condition;
}

Mirror mirror_in_force() {
  Mirror mirror{};
  HeapTuple row = find_trigger(default_table(), mirror_name);
  if (row == nullptr) return mirror;
  const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
  const bool has_condition = !heap_attisnull(row, Anum_pg_trigger_tgqual, nullptr);
  if (!copies_everything(*form, has_condition)) return mirror;
  mirror = {own_move_table(move_name), form->oid, row->t_self, HeapTupleHeaderGetRawXmin(row->t_data)};
  return mirror;
}

int partitions_of(Oid parent, PartitionBounds*& partitions) {
  Relation relation = table_open(parent, AccessShareLock);
  const int count = list_partitions(relation, {}, partitions);
  table_close(relation, AccessShareLock);
  return count;
}

bool overlap(const PartitionBounds& a, const PartitionBounds& b) {
  return !a.is_default && !b.is_default && !is_empty(intersect(a.range, b.range));
}

// Whether events in the rest should have a partition, or a partition made by hand is where one is to be attached.
bool is_misplaced(Oid move) {
  const Oid rest = own_move_table(rest_name);
  if (!OidIsValid(rest) || oldest_event(rest, DT_NOBEGIN).value_or(DT_NOEND) < made_until()) return true;
  PartitionBounds *ours = nullptr, *there = nullptr;
  const int our_count = partitions_of(move, ours);
  const int count = partitions_of(own_table("audit_events"), there);
  for (int i = 0; i < our_count; i++)
    for (int k = 0; k < count; k++)
      if (overlap(ours[i], there[k])) return true;
  return false;
}

TimestampTz period_start(TimestampTz moment, int ahead) {
  const Oid types[] = {TIMESTAMPTZOID, INT4OID};
  return DatumGetTimestampTz(OidFunctionCall2(own_function("audit_period_start", 2, types), TimestampTzGetDatum(moment),
                                              Int32GetDatum(ahead)));
}

int gaps_between(TimestampTz since, TimestampTz until, TimestampTz*& gaps) {
  const Oid types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID};
  return bounds_from(OidFunctionCall2(own_function("audit_gap_bounds", 2, types), TimestampTzGetDatum(since),
                                      TimestampTzGetDatum(until)),
                     gaps);
}

void make_target(Oid move, TimestampTz since, TimestampTz until) {
  const char* name = partition_name(since);
  run_command("CREATE TABLE %s.%s PARTITION OF %s FOR VALUES FROM (%s) TO (%s)", own_schema_name(),
              quote_identifier(name), quoted_table(move), quoted_time(since), quoted_time(until));
  const Oid target = get_relname_relid(name, extension_schema());
  // Proves to ATTACH what it would otherwise read the whole partition for.
  run_command("ALTER TABLE %s ADD CONSTRAINT %s CHECK (created_at >= %s AND created_at < %s)", quoted_table(target),
              range_check_name, quoted_time(since), quoted_time(until));
  index_partition(target);
}

// For the events of the default partition, but for those that are later than what is made ahead: they stay.
void make_targets(Oid move) {
  const TimestampTz oldest = oldest_event(default_table(), DT_NOBEGIN).value_or(DT_NOEND);
  const TimestampTz present = period_start(GetCurrentTimestamp(), 0);
  TimestampTz before = made_until();
  for (int past_periods = 0; past_periods < past_periods_max;) {
    const std::optional<TimestampTz> newest = newest_event(default_table(), before);
    if (!newest) return;
    const TimestampTz until = Min(period_start(*newest, 1), before);
    before = period_start(*newest, 0);
    if (before < present && ++past_periods == past_periods_max) before = period_start(oldest, 0);
    TimestampTz* gaps = nullptr;
    const int count = gaps_between(before, until, gaps);
    for (int i = 0; i < count; i++) make_target(move, gaps[2 * i], gaps[2 * i + 1]);
  }
}

void make_move_table() {
  const Oid move = create_table_like_events(move_name, "PARTITION BY RANGE (created_at)");
  // Not its owner: who owns it could take copies away again.
  run_command("GRANT INSERT ON %s TO %s", quoted_table(move),
              quote_identifier(GetUserNameFromId(owner_of_table(own_table("audit_events")), false)));
  make_targets(move);
  run_command("CREATE TABLE %s.%s PARTITION OF %s DEFAULT", own_schema_name(), rest_name, quoted_table(move));
  run_command("ALTER TABLE %s.%s ADD PRIMARY KEY (created_at, id)", own_schema_name(), rest_name);
}

void make_mirror() {
  const char* table = quoted_table(default_table());
  cancel_autovacuum(default_table());
  // Waits for those who are writing into it: what they wrote is seen by copy_events(), what comes later by the trigger.
  LockRelationOid(default_table(), ShareRowExclusiveLock);
  run_command("CREATE TRIGGER %s AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION %s.audit_mirror()", mirror_name,
              table, own_schema_name());
  run_command("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s", table, mirror_name);
}

void drop_mirror() { run_command("DROP TRIGGER %s ON %s", mirror_name, quoted_table(default_table())); }

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

// Kept for the session.
SPIPlanPtr mirror_plan(Relation table, Oid move) {
  static SPIPlanPtr plan = nullptr;
  static Oid planned_move = InvalidOid;
  if (plan != nullptr && planned_move == move) return plan;
  if (plan != nullptr) SPI_freeplan(plan);
  plan = nullptr;
  const char* columns = column_list(RelationGetRelid(table));
  const char* sql =
      psprintf("INSERT INTO %s (%s) SELECT %s FROM (SELECT ($1).*) e", quoted_table(move), columns, columns);
  Oid type = table->rd_rel->reltype;
  SPIPlanPtr made = SPI_prepare(sql, 1, &type);
  if (made == nullptr || SPI_keepplan(made) != 0) elog(ERROR, "SPI_prepare failed for \"%s\"", sql);
  plan = made;
  planned_move = move;
  return plan;
}

void mirror_row(Relation table, HeapTuple row, Oid move) {
  Datum event = heap_copy_tuple_as_datum(row, RelationGetDescr(table));
  SPI_connect();
  const CallerRights caller = become_owner(RelationGetRelid(table));
  const int result = SPI_execute_plan(mirror_plan(table, move), &event, " ", false, 0);
  give_back(caller);
  if (result != SPI_OK_INSERT) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
  SPI_finish();
}

void drop_range_check(Oid partition) {
  run_command("ALTER TABLE %s DROP CONSTRAINT %s", quoted_table(partition), range_check_name);
}

}  // namespace

const char* begin_move() {
  const Oid move = own_move_table(move_name);
  const bool is_mirrored = find_trigger(default_table(), mirror_name) != nullptr;
  // A run before this one did not get to its end: it is taken up where that left off.
  if (OidIsValid(move) && OidIsValid(mirror_in_force().table) && !is_misplaced(move)) return "done";
  const Oid table = default_table();
  if (is_mirrored) {
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

// Before anybody reads them, since the planner knows nothing of a table that was never analyzed.
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
  if (find_trigger(default_table(), mirror_name) != nullptr) return "done";
  if (const Oid move = own_move_table(move_name); OidIsValid(move)) run_command("DROP TABLE %s", quoted_table(move));
  PartitionBounds* partitions = nullptr;
  const int count = partitions_of(own_table("audit_events"), partitions);
  for (int i = 0; i < count; i++) {
    if (!OidIsValid(get_relation_constraint_oid(partitions[i].oid, range_check_name, true))) continue;
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

// A statement copies the row, as the owner of the default partition. The copy has the constraints of audit_events too.
// They run with the same rights as for the event itself.
AUDIT_SQL_FUNCTION(audit_mirror) {
  using namespace audit::pg;
  if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event) ||
      !TRIGGER_FIRED_BY_INSERT(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event))
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("audit_mirror must be called as a trigger AFTER INSERT FOR EACH ROW"));
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  const Oid move = get_relname_relid(move_name, extension_schema());
  // Without the table, or with a table of another role, no move can be finished.
  if (OidIsValid(move) && owner_of_table(move) == owner_of_function(fcinfo->flinfo->fn_oid))
    mirror_row(trigger->tg_relation, trigger->tg_trigtuple, move);
  return PointerGetDatum(nullptr);
}
