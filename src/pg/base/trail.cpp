#include "base/trail.hpp"

#include "base/catalog_row.hpp"
#include "base/distribution.hpp"

namespace audit::pg {
namespace {

// Functions come and go with the extension, and seldom otherwise: a change of pg_proc is when to look again.
Oid remembered_events = InvalidOid;
bool is_remembered = false;

void forget_membership(Datum, int, uint32) { is_remembered = false; }

Oid partitioned_member(Oid extension) {
  Relation catalog = table_open(DependRelationId, AccessShareLock);
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(ExtensionRelationId));
  ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
  SysScanDesc scan = systable_beginscan(catalog, DependReferenceIndexId, true, nullptr, 2, keys);
  Oid found = InvalidOid;
  for (HeapTuple row; HeapTupleIsValid(row = systable_getnext(scan));) {
    const auto* form = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
    const bool is_member = form->deptype == DEPENDENCY_EXTENSION && form->classid == RelationRelationId;
    if (is_member && get_rel_relkind(form->objid) == RELKIND_PARTITIONED_TABLE) found = form->objid;
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return found;
}

bool has_own_trigger(Oid table) {
  return has_catalog_row<FormData_pg_trigger>(
      TriggerRelationId, TriggerRelidNameIndexId, nullptr, {oid_key(Anum_pg_trigger_tgrelid, table)},
      [](const auto* trigger) { return is_own_object(ProcedureRelationId, trigger->tgfoid); });
}

bool has_visible_row(Oid table) {
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return false;
  bool found = relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE;
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

Oid events_table() {
  if (!is_remembered) {
    is_remembered = true;  // before the look: an invalidation that arrives during it must not go unnoticed
    const Oid extension = get_extension_oid("audit_ext", true);
    remembered_events = OidIsValid(extension) ? partitioned_member(extension) : InvalidOid;
    // While its script runs, the table is still to come.
    if (creating_extension) is_remembered = false;
  }
  return remembered_events;
}

Oid default_partition() { return OidIsValid(events_table()) ? get_default_partition_oid(events_table()) : InvalidOid; }

bool is_guarded(Oid relation) {
  const Oid events = events_table();
  if (!OidIsValid(events)) return false;
  if (relation == events) return true;
  // Not the last of them alone: audit_events can be made a partition of another table.
  if (get_rel_relispartition(relation) && list_member_oid(get_partition_ancestors(relation), events)) return true;
  // The shards that Citus makes have no place in the tree of the table.
  return has_citus() && has_own_trigger(relation);
}

bool is_own_object(Oid class_oid, Oid object) {
  if (!OidIsValid(events_table())) return false;
  return getExtensionOfObject(class_oid, object) == get_extension_oid("audit_ext", true);
}

bool is_event_column(const char* name) {
  return std::any_of(event_columns.begin(), event_columns.end(),
                     [name](const auto& column) { return column.name() == name; });
}

bool holds_events(Oid relation) {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(relation, AccessShareLock, nullptr))
    if (is_distributed(lfirst_oid(cell)) || has_visible_row(lfirst_oid(cell))) return true;
  return false;
}

void watch_membership() { CacheRegisterSyscacheCallback(PROCOID, forget_membership, Datum{0}); }

}  // namespace audit::pg
