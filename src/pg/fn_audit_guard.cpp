// The triggers of the append-only guards: audit_guard() on the tables, for UPDATE, DELETE and TRUNCATE;
// audit_guard_command() before, and audit_record_command() after, commands that could change or remove a table.
#include "append_only.hpp"
#include "settings.hpp"
#include "sql_entry.hpp"

namespace audit::pg {
namespace {

const char* command_of(TriggerEvent event) {
  if (TRIGGER_FIRED_BY_UPDATE(event)) return "UPDATE";
  return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

// The function's memory lasts as long as the statement does on that table: one event for all its rows.
bool is_first_call(FmgrInfo* function) {
  if (function->fn_extra != nullptr) return false;
  function->fn_extra = function;
  return true;
}

// Restoring data alone, pg_restore --disable-triggers switches all triggers of a table off while it is filled.
bool is_for_restore(Oid table) { return superuser() && !holds_events(table); }

// Removals (DROP COLUMN, DROP CONSTRAINT) are not here: the hook sees them.
bool changes_trail(const AlterTableCmd* change, Oid table) {
  switch (change->subtype) {
    case AT_DetachPartition:
    case AT_DetachPartitionFinalize:
    case AT_SetUnLogged: return true;  // a crash empties what is unlogged
    case AT_AlterColumnType:
    case AT_ColumnDefault:
    case AT_DropNotNull: return change->name != nullptr && is_event_column(change->name);
    case AT_DisableTrig:
    case AT_EnableReplicaTrig: return is_guarding_trigger(change->name);
    case AT_DisableTrigUser: return true;
    case AT_DisableTrigAll: return !is_for_restore(table);
    default: return false;
  }
}

bool changes_trail(const AlterTableStmt* statement, Oid table) {
  ListCell* cell = nullptr;
  foreach (cell, statement->cmds)
    if (changes_trail(lfirst_node(AlterTableCmd, cell), table)) return true;
  return false;
}

bool changes_trail(const RenameStmt* statement, Oid table) {
  switch (statement->renameType) {
    case OBJECT_TABLE: return !get_rel_relispartition(table);
    case OBJECT_COLUMN: return is_event_column(statement->subname);
    case OBJECT_TRIGGER: return is_guarding_trigger(statement->subname);
    default: return false;
  }
}

// The table of the trail that the statement would change; InvalidOid: none.
Oid table_changed_by(Node* statement) {
  RangeVar* name = nullptr;
  if (IsA(statement, AlterTableStmt)) name = castNode(AlterTableStmt, statement)->relation;
  if (IsA(statement, RenameStmt)) name = castNode(RenameStmt, statement)->relation;
  if (IsA(statement, AlterObjectSchemaStmt)) name = castNode(AlterObjectSchemaStmt, statement)->relation;
  const Oid table = name != nullptr ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
  if (!OidIsValid(table) || !is_guarded(table)) return InvalidOid;
  if (IsA(statement, AlterTableStmt) && !changes_trail(castNode(AlterTableStmt, statement), table)) return InvalidOid;
  if (IsA(statement, RenameStmt) && !changes_trail(castNode(RenameStmt, statement), table)) return InvalidOid;
  if (IsA(statement, AlterObjectSchemaStmt) && get_rel_relispartition(table)) return InvalidOid;
  return table;
}

const EventTriggerData* event_data(FunctionCallInfo fcinfo) {
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("this function must be called as an event trigger"));
  return reinterpret_cast<EventTriggerData*>(fcinfo->context);
}

}  // namespace
}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_guard) {
  using namespace audit::pg;
  if (!CALLED_AS_TRIGGER(fcinfo))
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("audit_guard must be called as a trigger"));
  auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  const char* command = command_of(trigger->tg_event);
  const Oid table = RelationGetRelid(trigger->tg_relation);
  if (check_change(command, table) && is_first_call(fcinfo->flinfo))
    record_change(command, RelationGetRelationName(trigger->tg_relation));
  // What a BEFORE trigger returns is what happens: the change as it was asked for.
  return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

AUDIT_SQL_FUNCTION(audit_guard_command) {
  using namespace audit::pg;
  const EventTriggerData* event = event_data(fcinfo);
  const char* command = GetCommandTagName(event->tag);
  begin_command(command);
  const Oid table = table_changed_by(event->parsetree);
  if (OidIsValid(table) && check_change(command, table)) record_change(command, get_rel_name(table));
  PG_RETURN_VOID();
}

AUDIT_SQL_FUNCTION(audit_record_command) {
  using namespace audit::pg;
  event_data(fcinfo);
  record_removals();
  PG_RETURN_VOID();
}
