// CALL audit_maintain(): the order of the steps. Each is a transaction of its own and proves by itself that the step
// before it was done. An error of one step is recorded, and the others go on.
//
// One run at a time, by a lock of the session. It must survive COMMIT but be released on error. So it is a lock on a
// table: a session-level advisory lock is not released on error.
#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/sql_entry.hpp"
#include "maintaining/maintenance_step.hpp"

namespace audit::pg {
namespace {

constexpr LOCKMODE maintenance_lock = ShareUpdateExclusiveLock;
constexpr int attempts_max = 200;
constexpr long pause_ms = 300;
constexpr int moves_max = 3;

constexpr const char* move_steps[] = {"move_begin", "move_copy", "move_analyze", "move_wait", "move_finish"};
constexpr const char* other_steps[] = {"move_clean", "create_due", "drop_expired", "flush_past"};

struct Run {
  Oid function_oid;         // audit_maintain() itself
  StringInfoData problems;  // what could not be done, and why
};

LOCKTAG maintenance_tag() {
  LOCKTAG tag;
  SET_LOCKTAG_RELATION(tag, MyDatabaseId, own_table("audit_maintenance"));
  return tag;
}

// A step that waits for a lock must see what came meanwhile, whatever default_transaction_isolation says.
void commit() {
  SPI_commit();
  set_config_option("transaction_isolation", "read committed", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                    false);
  EnsurePortalSnapshotExists();
}

void note_problem(Run& run, const char* step, const char* message) {
  appendStringInfo(&run.problems, "%s%s: %s", run.problems.len > 0 ? "; " : "", step, message);
}

// "busy" where a lock was not to be had, "failed" after any other error, which is noted.
const char* outcome_of_error(Run& run, const char* step, ErrorData* error) {
  if (error->sqlerrcode == ERRCODE_QUERY_CANCELED) ReThrowError(error);
  if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
    return "busy";
  note_problem(run, step, error->message);
  return "failed";
}

// Once, in a subtransaction.
const char* try_step(Run& run, const char* step) {
  const MemoryContext context = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  const char* volatile outcome = nullptr;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(context);
  PG_TRY();
  {
    outcome = run_maintenance_step(run.function_oid, step);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(context);
    outcome = outcome_of_error(run, step, error);
  }
  PG_END_TRY();
  MemoryContextSwitchTo(context);
  CurrentResourceOwner = owner;
  return outcome;
}

void pause() {
  WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, pause_ms, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
}

bool is(const char* outcome, const char* expected) { return strcmp(outcome, expected) == 0; }

// Until it is not busy any more, for a minute at most.
const char* run_step(Run& run, const char* step) {
  for (int attempt = 0; attempt < attempts_max; attempt++) {
    const char* outcome = try_step(run, step);
    commit();
    if (!is(outcome, "busy")) return outcome;
    pause();
  }
  note_problem(run, step, "older transactions did not end, or let go of their locks, for a minute");
  return "failed";
}

const char* run_to_the_end(Run& run, const char* step) {
  const char* outcome = run_step(run, step);
  while (is(outcome, "more")) outcome = run_step(run, step);
  return outcome;
}

// "again": events came meanwhile for which there is no place yet.
const char* move_once(Run& run) {
  const char* outcome = "done";
  for (const char* step : move_steps) {
    outcome = run_to_the_end(run, step);
    if (!is(outcome, "done")) break;
  }
  return outcome;
}

void move_events(Run& run) {
  for (int move = 0; move < moves_max; move++)
    if (!is(move_once(run), "again")) return;
  note_problem(run, "move_finish", "events kept coming that the move had no place for");
}

void note_begin() {
  SPI_connect();
  execute_as_owner(
      own_table("audit_maintenance"),
      psprintf("INSERT INTO %s.audit_maintenance (began_at) VALUES (pg_catalog.clock_timestamp()) "
               "ON CONFLICT ON CONSTRAINT audit_maintenance_pkey DO UPDATE SET began_at = excluded.began_at",
               own_schema_name()),
      nullptr, 0, SPI_OK_INSERT);
  SPI_finish();
}

void note_end(const Run& run) {
  const bool is_whole = run.problems.len == 0;
  const StatementArgument problem = {TEXTOID, CStringGetTextDatum(run.problems.data), is_whole};
  SPI_connect();
  execute_as_owner(own_table("audit_maintenance"),
                   psprintf("UPDATE %s.audit_maintenance SET error = $1, succeeded_at = CASE WHEN $1 IS NULL "
                            "THEN pg_catalog.clock_timestamp() ELSE succeeded_at END",
                            own_schema_name()),
                   &problem, 1, SPI_OK_UPDATE);
  SPI_finish();
}

void refuse_in_transaction(FunctionCallInfo fcinfo) {
  const bool can_commit = fcinfo->context != nullptr && IsA(fcinfo->context, CallContext) &&
                          !castNode(CallContext, fcinfo->context)->atomic;
  if (!can_commit)
    ereport(ERROR, errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION), errmsg("invalid transaction termination"),
            errhint("CALL audit_maintain() outside of a transaction: each of its steps is one."));
}

void maintain(Oid function_oid) {
  Run run{};
  run.function_oid = function_oid;
  initStringInfo(&run.problems);
  note_begin();
  commit();
  run_to_the_end(run, "guard_partitions");  // the move works with the rights of their one owner
  run_to_the_end(run, "record_left");
  move_events(run);
  for (const char* step : other_steps) run_to_the_end(run, step);
  note_end(run);
  commit();
  const LOCKTAG tag = maintenance_tag();
  LockRelease(&tag, maintenance_lock, true);
  if (run.problems.len > 0)
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("maintenance of audit_events is not complete"), errdetail("%s", run.problems.data),
            errhint("What was done stays; the next run does the rest. audit_status shows how things stand."));
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_maintain) {
  using namespace audit::pg;
  refuse_in_transaction(fcinfo);
  SPI_connect_ext(SPI_OPT_NONATOMIC);
  const LOCKTAG tag = maintenance_tag();
  if (LockAcquire(&tag, maintenance_lock, true, true) == LOCKACQUIRE_NOT_AVAIL)
    ereport(NOTICE, errmsg("audit_maintain() is at work in another session"));
  else
    maintain(fcinfo->flinfo->fn_oid);
  SPI_finish();
  PG_RETURN_VOID();
}
