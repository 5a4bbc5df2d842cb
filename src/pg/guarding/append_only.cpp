#include "guarding/append_only.hpp"

#include "base/distribution.hpp"
#include "base/settings.hpp"
#include "base/trail.hpp"
#include "guarding/saved_policies.hpp"
#include "maintaining/maintenance_step.hpp"
#include "writing/trail_record.hpp"

namespace audit::pg {
namespace {

struct NotedChange {
  SubTransactionId subtransaction;
  const char* command;
  const char* relation_name;
};

const char* command_name = "DDL";
List* noted_changes = NIL;  // of NotedChange, in TopTransactionContext
bool is_row_security_changed = false;

// The scripts of the extension itself may do what they were written for, and pg_upgrade puts things back as they were.
bool is_exempt() {
  return IsBinaryUpgrade || (creating_extension && CurrentExtensionObject == get_extension_oid("audit_ext", true));
}

// The memory of the list goes with the transaction.
void forget_changes() {
  noted_changes = NIL;
  is_row_security_changed = false;
  forget_restoring_policy();
}

// Commands on event triggers fire none, and audit_record_command() itself can be switched off or replaced.
void record_what_is_left() {
  if (noted_changes == NIL || !OidIsValid(extension_schema())) return;
  PushActiveSnapshot(GetTransactionSnapshot());
  record_changes();
  PopActiveSnapshot();
}

void on_transaction_end(XactEvent event, void*) {
  if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE) return record_what_is_left();
  forget_changes();
}

void forget_subtransaction(SubXactEvent event, SubTransactionId subtransaction, SubTransactionId, void*) {
  if (event != SUBXACT_EVENT_ABORT_SUB) return;
  forget_restoring_policy();
  ListCell* cell = nullptr;
  foreach (cell, noted_changes)
    if (static_cast<NotedChange*>(lfirst(cell))->subtransaction >= subtransaction)
      noted_changes = foreach_delete_current(noted_changes, cell);
}

void note(const char* command, Oid relation) {
  const MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
  auto* change = static_cast<NotedChange*>(palloc(sizeof(NotedChange)));
  *change = {GetCurrentSubTransactionId(), pstrdup(command), pstrdup(get_rel_name(relation))};
  noted_changes = lappend(noted_changes, change);
  MemoryContextSwitchTo(caller);
}

}  // namespace

bool check_change(const char* command, const char* object_name, const Refusal& refusal) {
  if (is_exempt()) return false;
  // Maintenance records itself what it does.
  if (is_maintenance_at_work()) return false;
  if (changes_allowed_setting()) return true;
  ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
          errmsg("%s of \"%s\" is refused: %s", command, object_name != nullptr ? object_name : "audit_events",
                 refusal.reason),
          errdetail("%s", refusal.detail), errhint("%s", refusal.hint));
  return false;
}

void note_change(const char* command, Oid relation) {
  // For DROP EXTENSION this line is all that stays: there is no trail to record it in.
  ereport(
      LOG, errmsg("%s changes the audit trail \"%s\"", command, get_rel_name(relation)),
      errdetail("audit_ext.allow_changes is on; the user is \"%s\".", GetUserNameFromId(GetSessionUserId(), false)));
  note(command, relation);
}

void note_allowed(const char* what, Oid table) { note(what, table); }

// Of shards it was noted where Citus has it from.
void note_row_security(const char* what, Oid table) {
  if (is_restoring_policy() || is_session_of_citus()) return;
  is_row_security_changed = true;
  note(what, table);
}

// Recording runs statements, whose triggers may run commands. So the list is taken away first.
void record_changes() {
  List* changes = noted_changes;
  noted_changes = NIL;
  if (std::exchange(is_row_security_changed, false)) save_policies();
  const char* last_command = "";
  const char* last_relation = "";
  ListCell* cell = nullptr;
  foreach (cell, changes) {
    const auto* change = static_cast<NotedChange*>(lfirst(cell));
    // One command may change many parts of one table.
    if (strcmp(change->command, last_command) != 0 || strcmp(change->relation_name, last_relation) != 0)
      record_change(change->command, change->relation_name);
    last_command = change->command;
    last_relation = change->relation_name;
  }
}

void record_change(const char* command, const char* relation_name) {
  if (!OidIsValid(extension_schema())) return;  // DROP EXTENSION
  const StatementArgument details = {TEXTOID, CStringGetTextDatum(command), false};
  record_event("audit.changed", "table", relation_name, "pg_catalog.jsonb_build_object('command', $1)", &details, 1);
}

void begin_command(const char* command) { command_name = command; }
const char* running_command() { return command_name; }

void watch_transactions() {
  RegisterXactCallback(on_transaction_end, nullptr);
  RegisterSubXactCallback(forget_subtransaction, nullptr);
}

}  // namespace audit::pg
