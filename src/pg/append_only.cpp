// The append-only rules: see the header.
#include "append_only.hpp"

#include "maintenance_step.hpp"
#include "settings.hpp"
#include "sql_entry.hpp"
#include "trail_record.hpp"

namespace audit::pg {
namespace {

object_access_hook_type next_hook = nullptr;

// Of the command that runs, from begin_command() on.
const char* command_name = "DROP";
List* removed_tables = NIL;  // names, in TopTransactionContext

Oid events_table() {
  const Oid schema = extension_schema();
  return OidIsValid(schema) ? get_relname_relid("audit_events", schema) : InvalidOid;
}

// The scripts of the extension itself may do what they were written for, and pg_upgrade puts things back as they were.
bool is_exempt() {
  return IsBinaryUpgrade || (creating_extension && CurrentExtensionObject == get_extension_oid("audit_ext", true));
}

bool has_visible_row(Oid table) {
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  bool found = false;
  // A foreign table's rows are elsewhere and stay there.
  if (relation->rd_rel->relkind == RELKIND_RELATION) {
    Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    TableScanDesc scan = table_beginscan(relation, snapshot, 0, nullptr);
    TupleTableSlot* slot = table_slot_create(relation, nullptr);
    found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
    ExecDropSingleTupleTableSlot(slot);
    table_endscan(scan);
    UnregisterSnapshot(snapshot);
  }
  relation_close(relation, NoLock);
  return found;
}

// The table that a guarding trigger, or constraint, belongs to; InvalidOid for all others.
Oid table_of_guarding_trigger(Oid trigger) {
  Oid table = InvalidOid;
  Relation catalog = table_open(TriggerRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
  SysScanDesc scan = systable_beginscan(catalog, TriggerOidIndexId, true, nullptr, 1, &key);
  if (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row)) {
    const auto* form = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
    if (is_guarding_trigger(NameStr(form->tgname))) table = form->tgrelid;
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return table;
}

Oid table_of_guarding_constraint(Oid constraint) {
  HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
  if (!HeapTupleIsValid(row)) return InvalidOid;
  const auto* form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
  const bool guards =
      form->contype == CONSTRAINT_PRIMARY || strcmp(NameStr(form->conname), "audit_events_created_at_range") == 0;
  const Oid table = guards ? form->conrelid : InvalidOid;
  ReleaseSysCache(row);
  return table;
}

// The table of the trail that loses something if this object goes.
Oid table_that_loses(Oid class_oid, Oid object, int column) {
  switch (class_oid) {
    case RelationRelationId:
      if (column == 0) return object;
      if (const char* name = get_attname(object, static_cast<AttrNumber>(column), true); name != nullptr)
        return is_event_column(name) ? object : InvalidOid;
      return InvalidOid;
    case TriggerRelationId: return table_of_guarding_trigger(object);
    case ConstraintRelationId: return table_of_guarding_constraint(object);
    default: return InvalidOid;
  }
}

void note_removal(Oid table) {
  const char* name = get_rel_name(table);
  // For DROP EXTENSION this line is all that stays: there is no trail to record it in.
  ereport(
      LOG, errmsg("%s of \"%s\" removes audit events", command_name, name),
      errdetail("audit_ext.allow_changes is on; the user is \"%s\".", GetUserNameFromId(GetSessionUserId(), false)));
  const MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
  removed_tables = lappend(removed_tables, pstrdup(name));
  MemoryContextSwitchTo(caller);
}

void check_removal(Oid class_oid, Oid object, int column) {
  const Oid table = table_that_loses(class_oid, object, column);
  // An empty table has nothing to lose: so DROP EXTENSION is refused just while there are events.
  if (!OidIsValid(table) || !is_guarded(table) || is_exempt() || !holds_events(table)) return;
  if (check_change(command_name, table) && class_oid == RelationRelationId) note_removal(table);
}

void on_object_access(ObjectAccessType access, Oid class_oid, Oid object, int column, void* argument) {
  if (next_hook != nullptr) next_hook(access, class_oid, object, column, argument);
  // Internal: parts that PostgreSQL itself replaces, such as the triggers that a partition has from its parent.
  if (access == OAT_DROP && (static_cast<ObjectAccessDrop*>(argument)->dropflags & PERFORM_DELETION_INTERNAL) == 0)
    check_removal(class_oid, object, column);
}

}  // namespace

// get_extension_schema() is PostgreSQL's own until 16.
Oid extension_schema() {
  Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("audit_ext"));
  SysScanDesc scan = systable_beginscan(catalog, ExtensionNameIndexId, true, nullptr, 1, &key);
  HeapTuple row = systable_getnext(scan);
  const Oid schema =
      HeapTupleIsValid(row) ? reinterpret_cast<Form_pg_extension>(GETSTRUCT(row))->extnamespace : InvalidOid;
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return schema;
}

bool is_guarded(Oid relation) {
  const Oid events = events_table();
  if (!OidIsValid(events)) return false;
  if (relation == events) return true;
  if (!get_rel_relispartition(relation)) return false;
  // Not the last of them alone: audit_events can be made a partition of another table.
  return list_member_oid(get_partition_ancestors(relation), events);
}

bool is_event_column(const char* name) {
  return std::any_of(event_columns.begin(), event_columns.end(),
                     [name](const auto& column) { return column.name() == name; });
}

bool is_guarding_trigger(const char* name) {
  return strcmp(name, "audit_guard_rows") == 0 || strcmp(name, "audit_guard_truncate") == 0 ||
         strcmp(name, "audit_events_before_insert") == 0;
}

bool check_change(const char* command, Oid relation) {
  // Maintenance records itself what it does.
  if (is_exempt() || is_maintenance_at_work()) return false;
  if (changes_allowed_setting()) return true;
  ereport(
      ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
      errmsg("%s of \"%s\" is refused: the audit trail is append-only", command, get_rel_name(relation)),
      errdetail("It would change or remove recorded events, or what guards them."),
      errhint("Old events leave by audit_configure(keep => ...) and CALL audit_maintain(). A superuser can lift this "
              "with SET audit_ext.allow_changes = on; what is done then is recorded as an event."));
  return false;
}

void record_change(const char* command, const char* relation_name) {
  const StatementArgument details = {TEXTOID, CStringGetTextDatum(command), false};
  record_event("audit.changed", "table", relation_name, "pg_catalog.jsonb_build_object('command', $1)", &details, 1);
}

void begin_command(const char* command) {
  command_name = command;
  removed_tables = NIL;
}

void record_removals() {
  List* tables = removed_tables;
  removed_tables = NIL;
  ListCell* cell = nullptr;
  foreach (cell, tables) record_change(command_name, static_cast<const char*>(lfirst(cell)));
}

bool holds_events(Oid relation) {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(relation, AccessShareLock, nullptr))
    if (has_visible_row(lfirst_oid(cell))) return true;
  return false;
}

void watch_removals() {
  next_hook = object_access_hook;
  object_access_hook = on_object_access;
}

}  // namespace audit::pg
