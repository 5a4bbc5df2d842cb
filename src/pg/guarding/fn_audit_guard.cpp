// The triggers of the append-only guards. audit_guard() is on the tables, for UPDATE, DELETE and TRUNCATE. The event
// triggers load the library into every session that runs a command, and name the command for messages. They see what
// PostgreSQL has no hook for: audit_guard_command() before a command, audit_guard_rewrite() before a table is
// rewritten, audit_record_command() after a command.
#include "base/sql_entry.hpp"
#include "base/trail.hpp"
#include "guarding/append_only.hpp"
#include "guarding/foreign_guard.hpp"
#include "guarding/refusal.hpp"

namespace audit::pg {
namespace {

// PostgreSQL's reasons for rewriting a table (event_trigger.h) that change its rows.
constexpr int rewrites_rows = AT_REWRITE_DEFAULT_VAL | AT_REWRITE_COLUMN_REWRITE;

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

const EventTriggerData* event_data(FunctionCallInfo fcinfo, const char* event) {
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo) ||
      strcmp(reinterpret_cast<EventTriggerData*>(fcinfo->context)->event, event) != 0)
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("this function must be called as an event trigger on %s", event));
  return reinterpret_cast<EventTriggerData*>(fcinfo->context);
}

// An object outside of the extension can be dropped, and a table added to it could be taken for the trail. PostgreSQL
// calls the hook only after it has forgotten which object it was. But the name of an extension never changes, so the
// statement is as reliable.
bool changes_members(const Node* statement) {
  return IsA(statement, AlterExtensionContentsStmt) &&
         strcmp(reinterpret_cast<const AlterExtensionContentsStmt*>(statement)->extname, "audit_ext") == 0;
}

bool switches_row_security(const Node* statement) {
  if (!IsA(statement, AlterTableStmt)) return false;
  ListCell* cell = nullptr;
  foreach (cell, reinterpret_cast<const AlterTableStmt*>(statement)->cmds) {
    switch (lfirst_node(AlterTableCmd, cell)->subtype) {
      case AT_EnableRowSecurity:
      case AT_DisableRowSecurity:
      case AT_ForceRowSecurity:
      case AT_NoForceRowSecurity: return true;
      default: break;
    }
  }
  return false;
}

const char* row_security_of(Oid table) {
  HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(row)) return "";
  const auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
  const char* state = psprintf("ALTER TABLE: row-level security is %s%s", form->relrowsecurity ? "on" : "off",
                               form->relforcerowsecurity ? ", for the owner too" : "");
  ReleaseSysCache(row);
  return state;
}

// By OID, as the command has found them.
void note_switched_tables() {
  SPI_connect();
  const int result = SPI_execute(
      "SELECT objid FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE classid OPERATOR(pg_catalog.=) "
      "'pg_catalog.pg_class'::pg_catalog.regclass",
      true, 0);
  if (result != SPI_OK_SELECT) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
  for (std::uint64_t i = 0; i < SPI_processed; i++) {
    bool is_null = false;
    const Oid table = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
    if (!is_null && is_guarded(table)) note_row_security(row_security_of(table), table);
  }
  SPI_finish();
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
  if (check_change(command, get_rel_name(table), append_only_refusal) && is_first_call(fcinfo->flinfo))
    record_change(command, RelationGetRelationName(trigger->tg_relation));
  // What a BEFORE trigger returns is what happens: the change as it was asked for.
  return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

AUDIT_SQL_FUNCTION(audit_guard_command) {
  using namespace audit::pg;
  const EventTriggerData* event = event_data(fcinfo, "ddl_command_start");
  begin_command(GetCommandTagName(event->tag));
  const Oid events = events_table();
  if (OidIsValid(events) && changes_members(event->parsetree)) refuse(events);
  PG_RETURN_VOID();
}

AUDIT_SQL_FUNCTION(audit_guard_rewrite) {
  using namespace audit::pg;
  event_data(fcinfo, "table_rewrite");
  const Oid table = DatumGetObjectId(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_OID));
  const int reason = DatumGetInt32(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_REASON));
  if ((reason & rewrites_rows) != 0 && ward_of(table) == Ward::trail) refuse(table);
  PG_RETURN_VOID();
}

AUDIT_SQL_FUNCTION(audit_record_command) {
  using namespace audit::pg;
  const EventTriggerData* event = event_data(fcinfo, "ddl_command_end");
  begin_command(GetCommandTagName(event->tag));  // one inside of this one may have left its name
  if (switches_row_security(event->parsetree)) note_switched_tables();
  if (OidIsValid(events_table())) note_user_mapping(event->parsetree);
  record_changes();
  PG_RETURN_VOID();
}
