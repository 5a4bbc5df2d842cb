// Runs CALL audit_maintain() at intervals, as a command of its own through a portal, like a client's. SPI has no outer
// portal here, and without one a procedure cannot commit. An error ends the worker, and the server starts it again a
// minute later. That is the repetition.
#include "maintaining/maintenance_worker.hpp"

#include "base/own_objects.hpp"
#include "base/pg_compat.hpp"
#include "base/settings.hpp"
#include "base/sql_entry.hpp"
#include "base/trail.hpp"

namespace audit::pg {
namespace {

constexpr int restart_after_s = 60;

// CALL audit_maintain(), bound to the procedure of the extension, whatever else has its name.
PlannedStmt* call_of(Oid procedure) {
  CallStmt* call = makeNode(CallStmt);
  call->funcexpr = makeFuncExpr(procedure, VOIDOID, NIL, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
  PlannedStmt* statement = makeNode(PlannedStmt);
  statement->commandType = CMD_UTILITY;
  statement->canSetTag = true;
  statement->utilityStmt = reinterpret_cast<Node*>(call);
  return statement;
}

void run_procedure(Oid procedure) {
  constexpr const char* command = "CALL audit_maintain()";
  debug_query_string = command;
  pgstat_report_activity(STATE_RUNNING, command);
  SetCurrentStatementStartTimestamp();
  StartTransactionCommand();
  // Not the transaction's: the statement lives on when its procedure commits.
  MemoryContext context = AllocSetContextCreate(TopMemoryContext, "audit_ext maintenance", ALLOCSET_DEFAULT_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(context);
  Portal portal = CreatePortal("", true, true);
  PortalDefineQuery(portal, nullptr, command, CMDTAG_CALL, list_make1(call_of(procedure)), nullptr);
  PortalStart(portal, nullptr, 0, InvalidSnapshot);
  QueryCompletion completion;
  run_to_end(portal, completion);
  PortalDrop(portal, false);
  MemoryContextSwitchTo(caller);
  CommitTransactionCommand();
  MemoryContextDelete(context);
  pgstat_report_stat(true);
  pgstat_report_activity(STATE_IDLE, nullptr);
  debug_query_string = nullptr;
}

// InvalidOid: this database has no audit_ext.
Oid maintenance_procedure() {
  StartTransactionCommand();
  const Oid procedure = OidIsValid(extension_schema()) ? own_function("audit_maintain") : InvalidOid;
  CommitTransactionCommand();
  return procedure;
}

// When the run after one that begins now is due; never where the interval is 0.
TimestampTz next_run() {
  const std::int64_t interval_s = maintenance_interval_s_setting();
  return interval_s == 0 ? DT_NOEND : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), interval_s * 1000);
}

void wait_until(TimestampTz due) {
  for (;;) {
    const long left_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due);
    if (left_ms <= 0) return;
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left_ms, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
      return;  // the interval may be another now; a run too many does no harm
    }
  }
}

void register_worker(const char* database) {
  BackgroundWorker worker{};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;  // a standby gets it all from its primary
  worker.bgw_restart_time = restart_after_s;
  strlcpy(worker.bgw_library_name, "audit_ext", BGW_MAXLEN);
  strlcpy(worker.bgw_function_name, "audit_maintenance_main", BGW_MAXLEN);
  snprintf(worker.bgw_name, BGW_MAXLEN, "audit_ext maintenance of %s", database);
  strlcpy(worker.bgw_type, "audit_ext maintenance", BGW_MAXLEN);
  strlcpy(worker.bgw_extra, database, BGW_EXTRALEN);
  RegisterBackgroundWorker(&worker);
}

}  // namespace

void register_maintenance_workers() {
  List* databases = NIL;
  char* list = pstrdup(maintenance_database_setting());
  if (!SplitIdentifierString(list, ',', &databases))
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
            errmsg("invalid value for audit_ext.maintenance_database: \"%s\"", maintenance_database_setting()),
            errhint("It is a list of names, with commas between them; others than lower case in double quotes."));
  ListCell* cell = nullptr;
  foreach (cell, databases) register_worker(static_cast<const char*>(lfirst(cell)));
}

}  // namespace audit::pg

extern "C" PGDLLEXPORT void audit_maintenance_main(Datum);

void audit_maintenance_main(Datum) {
  using namespace audit::pg;
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnection(MyBgworkerEntry->bgw_extra, nullptr, 0);
  for (;;) {
    const TimestampTz due = next_run();
    const Oid procedure = due == DT_NOEND ? InvalidOid : maintenance_procedure();
    if (OidIsValid(procedure)) run_procedure(procedure);
    wait_until(due);
  }
}
