// The rows are read and written directly. A statement would run triggers and constraints on the table with the rights
// of the extension's owner. Also audit_restore_policy(), the trigger of audit_policies.
#include "guarding/saved_policies.hpp"

#include "base/owner_rights.hpp"
#include "base/sql_entry.hpp"
#include "base/trail.hpp"

namespace audit::pg {
namespace {

bool is_restoring = false;

// $1: the tables. On catalogs alone; set_neutral_settings() has it the same text in every session.
constexpr const char statements_sql[] =
    "SELECT pg_catalog.format('ALTER TABLE %s %s ROW LEVEL SECURITY', c.oid::pg_catalog.regclass, f.switch)"
    " FROM pg_catalog.pg_class c,"
    " LATERAL (VALUES ('ENABLE', c.relrowsecurity), ('FORCE', c.relforcerowsecurity)) f(switch, is_on)"
    " WHERE f.is_on AND c.oid = ANY ($1)"
    " UNION ALL SELECT pg_catalog.concat(pg_catalog.format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname,"
    " p.polrelid::pg_catalog.regclass, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,"
    " CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'"
    " ELSE 'ALL' END,"
    " (SELECT pg_catalog.string_agg(CASE WHEN r.oid = 0 THEN 'PUBLIC' ELSE"
    " pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) END, ', ' ORDER BY r.oid)"
    " FROM pg_catalog.unnest(p.polroles) r(oid))),"
    " ' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',"
    " ' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')')"
    " FROM pg_catalog.pg_policy p WHERE p.polrelid = ANY ($1)";

// The text[] of the statements that make the row-level security as it is now; in the current memory context.
List* current_statements() {
  const Oid events = events_table();
  Datum tables[] = {ObjectIdGetDatum(events), ObjectIdGetDatum(default_partition())};
  Oid types[] = {OIDARRAYOID};
  Datum arguments[] = {PointerGetDatum(construct_array(tables, 2, OIDOID, sizeof(Oid), true, TYPALIGN_INT))};
  const MemoryContext caller = CurrentMemoryContext;
  List* statements = NIL;
  const int settings_level = NewGUCNestLevel();
  set_neutral_settings();
  SPI_connect();
  const int result = SPI_execute_with_args(statements_sql, 1, types, arguments, nullptr, false, 0);
  if (result != SPI_OK_SELECT) elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
  for (std::uint64_t i = 0; i < SPI_processed; i++) {
    const char* statement = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
    const MemoryContext own = MemoryContextSwitchTo(caller);
    statements = lappend(statements, makeString(pstrdup(statement)));
    MemoryContextSwitchTo(own);
  }
  SPI_finish();
  AtEOXact_GUC(false, settings_level);
  return statements;
}

Oid policies_table() {
  const Oid schema = extension_schema();
  const Oid table = OidIsValid(schema) ? get_relname_relid("audit_policies", schema) : InvalidOid;
  return OidIsValid(table) && is_own_object(RelationRelationId, table) ? table : InvalidOid;
}

// Takes those that are there already from the list, and deletes the rows that are not in it.
List* delete_others(Relation table, List* statements) {
  Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
  TableScanDesc scan = table_beginscan(table, snapshot, 0, nullptr);
  for (HeapTuple row; HeapTupleIsValid(row = heap_getnext(scan, ForwardScanDirection));) {
    bool is_null = false;
    const Datum value = heap_getattr(row, 1, RelationGetDescr(table), &is_null);
    Node* statement = reinterpret_cast<Node*>(makeString(TextDatumGetCString(value)));
    if (list_member(statements, statement))
      statements = list_delete(statements, statement);
    else
      CatalogTupleDelete(table, &row->t_self);
  }
  table_endscan(scan);
  UnregisterSnapshot(snapshot);
  return statements;
}

void insert(Relation table, List* statements) {
  ListCell* cell = nullptr;
  foreach (cell, statements) {
    Datum value = CStringGetTextDatum(strVal(lfirst(cell)));
    bool is_null = false;
    CatalogTupleInsert(table, heap_form_tuple(RelationGetDescr(table), &value, &is_null));
  }
}

bool is_row_security(const AlterTableCmd* command) {
  return command->subtype == AT_EnableRowSecurity || command->subtype == AT_ForceRowSecurity;
}

// A dump may hold anything here. Only policies and row-level security are run.
bool makes_row_security(const char* text) {
  List* statements = pg_parse_query(text);
  if (list_length(statements) != 1) return false;
  const Node* statement = linitial_node(RawStmt, statements)->stmt;
  if (IsA(statement, CreatePolicyStmt)) return true;
  if (!IsA(statement, AlterTableStmt)) return false;
  List* commands = reinterpret_cast<const AlterTableStmt*>(statement)->cmds;
  return list_length(commands) == 1 && is_row_security(linitial_node(AlterTableCmd, commands));
}

void run_statement(const char* statement) {
  if (!makes_row_security(statement))
    ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("audit_policies takes policies only"),
            errdetail("Got: %s", statement),
            errhint("It is filled by dumps. Use CREATE POLICY and ALTER TABLE ... ROW LEVEL SECURITY."));
  is_restoring = true;
  SPI_connect();
  const int result = SPI_execute(statement, false, 0);
  if (result != SPI_OK_UTILITY) elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
  SPI_finish();
  is_restoring = false;
}

}  // namespace

bool is_restoring_policy() { return is_restoring; }
void forget_restoring_policy() { is_restoring = false; }

void save_policies() {
  const Oid table_oid = policies_table();
  if (!OidIsValid(table_oid)) {
    ereport(WARNING, errmsg("row-level security of audit_events is not saved for dumps"),
            errdetail("The table audit_policies of audit_ext is not where it was."), errhint("Rename it back."));
    return;
  }
  List* statements = current_statements();
  Relation table = table_open(table_oid, RowExclusiveLock);
  insert(table, delete_others(table, statements));
  table_close(table, NoLock);
  CommandCounterIncrement();
}

}  // namespace audit::pg

AUDIT_SQL_FUNCTION(audit_restore_policy) {
  using namespace audit::pg;
  if (!CALLED_AS_TRIGGER(fcinfo) ||
      !TRIGGER_FIRED_BY_INSERT(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_event) ||
      !is_own_object(RelationRelationId,
                     RelationGetRelid(reinterpret_cast<TriggerData*>(fcinfo->context)->tg_relation)))
    ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
            errmsg("audit_restore_policy must be called as the trigger of audit_policies"));
  const auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  bool is_null = false;
  const Datum value = heap_getattr(trigger->tg_trigtuple, 1, RelationGetDescr(trigger->tg_relation), &is_null);
  const char* statement = TextDatumGetCString(value);
  if (!list_member(current_statements(), makeString(pstrdup(statement)))) run_statement(statement);
  return PointerGetDatum(nullptr);
}
