// Also audit_run_step(), which runs a single one.
#include "maintaining/maintenance_step.hpp"

#include "base/own_objects.hpp"
#include "base/owner_rights.hpp"
#include "base/sql_entry.hpp"
#include "maintaining/maintenance_steps.hpp"
#include "maintaining/partition_move.hpp"

namespace audit::pg {
namespace {

constexpr struct {
  const char* name;
  MaintenanceStep run;
} steps[] = {{"guard_partitions", guard_partitions},
             {"record_left", record_left},
             {"move_begin", begin_move},
             {"move_copy", copy_events},
             {"move_analyze", analyze_copies},
             {"move_wait", wait_for_snapshots},
             {"move_finish", finish_move},
             {"move_clean", clean_up_move},
             {"create_due", create_due},
             {"drop_expired", drop_expired},
             {"flush_past", flush_past}};

Oid step_owner = InvalidOid;  // whose rights the step that runs has; InvalidOid: none runs

MaintenanceStep step_named(const char* name) {
  for (const auto& step : steps)
    if (strcmp(step.name, name) == 0) return step.run;
  ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("maintenance has no step \"%s\"", name));
  return nullptr;
}

void refuse_old_snapshots() {
  if (!IsolationUsesXactSnapshot()) return;
  ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
          errmsg("a step of maintenance must see what was committed while it waited"),
          errhint("SET TRANSACTION ISOLATION LEVEL READ COMMITTED."));
}

const char* run_with_settings(MaintenanceStep step) {
  refuse_old_snapshots();
  const int settings_level = NewGUCNestLevel();
  set_neutral_settings();
  set_setting("lock_timeout", "40ms");  // no session queues for longer behind a waiting step
  set_setting("client_min_messages", "warning");
  SPI_connect();
  pin_schema_name();
  const char* outcome = step();
  SPI_finish();
  AtEOXact_GUC(true, settings_level);
  return outcome;
}

}  // namespace

bool is_maintenance_at_work() {
  return OidIsValid(step_owner) && GetUserId() == step_owner && !InSecurityRestrictedOperation();
}

const char* run_maintenance_step(Oid function_oid, const char* name) {
  return run_as_step(function_oid, step_named(name));
}

const char* run_as_step(Oid function_oid, MaintenanceStep step) {
  const Oid outer_owner = step_owner;
  const char* volatile outcome = nullptr;
  Oid caller;
  int security_context;
  GetUserIdAndSecContext(&caller, &security_context);
  SetUserIdAndSecContext(owner_of_function(function_oid), security_context | SECURITY_LOCAL_USERID_CHANGE);
  step_owner = GetUserId();
  PG_TRY();
  { outcome = run_with_settings(step); }
  PG_FINALLY();
  { step_owner = outer_owner; }
  PG_END_TRY();
  SetUserIdAndSecContext(caller, security_context);
  return outcome;
}

}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_run_step) {
  using namespace audit::pg;
  const char* name = text_to_cstring(PG_GETARG_TEXT_PP(0));
  PG_RETURN_TEXT_P(cstring_to_text(run_maintenance_step(fcinfo->flinfo->fn_oid, name)));
}
