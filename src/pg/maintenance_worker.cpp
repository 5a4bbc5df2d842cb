// Runs CALL audit_maintain() every now and then: see the header. As a command of its own through a portal, as a
// client's would be: SPI has no outer portal here, without which a procedure cannot commit. An error ends the worker,
// and the server starts it again a minute later: that is the repetition.
#include "maintenance_worker.hpp"

#include "append_only.hpp"
#include "pg_compat.hpp"
#include "settings.hpp"
#include "sql_entry.hpp"

namespace audit::pg {
namespace {

constexpr int restart_after_s = 60;

// To be freed with pfree; NULL: this database has no audit_ext.
char* maintenance_command() {
  StartTransactionCommand();
  const Oid schema = extension_schema();
  const char* name = OidIsValid(schema) ? quote_identifier(get_namespace_name(schema)) : nullptr;
  char* command =
      name != nullptr ? MemoryContextStrdup(TopMemoryContext, psprintf("CALL %s.audit_maintain()", name)) : nullptr;
  CommitTransactionCommand();
  return command;
}

void run_command(const char* command) {
  debug_query_string = command;
  pgstat_report_activity(STATE_RUNNING, command);
  SetCurrentStatementStartTimestamp();
  StartTransactionCommand();
  // Not the transaction's: the statement lives on when its procedure commits.
  MemoryContext context = AllocSetContextCreate(TopMemoryContext, "audit_ext maintenance", ALLOCSET_DEFAULT_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(context);
  PushActiveSnapshot(GetTransactionSnapshot());
  RawStmt* statement = linitial_node(RawStmt, pg_parse_query(command));
  List* queries = pg_analyze_and_rewrite_fixedparams(statement, command, nullptr, 0, nullptr);
  List* plans = pg_plan_queries(queries, command, 0, nullptr);
  PopActiveSnapshot();
  Portal portal = CreatePortal("", true, true);
  PortalDefineQuery(portal, nullptr, command, CMDTAG_CALL, plans, nullptr);
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
    char* command = due == DT_NOEND ? nullptr : maintenance_command();
    if (command != nullptr) {
      run_command(command);
      pfree(command);
    }
    wait_until(due);
  }
}
