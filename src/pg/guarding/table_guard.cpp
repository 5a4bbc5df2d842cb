#include "guarding/table_guard.hpp"

#include "base/catalog_row.hpp"
#include "base/trail.hpp"
#include "guarding/foreign_guard.hpp"
#include "guarding/refusal.hpp"

namespace audit::pg {
namespace {

bool differs(const FormData_pg_attribute& old, const FormData_pg_attribute& now) {
  return strcmp(NameStr(old.attname), NameStr(now.attname)) != 0 || old.atttypid != now.atttypid ||
         old.atttypmod != now.atttypmod || old.attcollation != now.attcollation || old.attnotnull != now.attnotnull ||
         old.attidentity != now.attidentity || old.attgenerated != now.attgenerated;
}

// Of the index, the new row: nothing else has it yet.
Oid table_of_new_index(Oid index) {
  const CatalogRow row = catalog_row(IndexRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid, index);
  const auto* form = row.new_form<FormData_pg_index>();
  return form == nullptr ? InvalidOid : form->indrelid;
}

// Whether an index would run code of another role: functions, operators and types of its expressions, operator classes.
// PostgreSQL has recorded by now what the index depends on, except what cannot be dropped.
bool runs_code_of_others(Oid index) {
  const auto is_foreign_code = [](const FormData_pg_depend* form) {
    const bool is_data = form->refclassid == RelationRelationId || form->refclassid == ConstraintRelationId ||
                         form->refclassid == CollationRelationId;
    return !is_data && !is_own_object(form->refclassid, form->refobjid);
  };
  return has_catalog_row<FormData_pg_depend>(
      DependRelationId, DependDependerIndexId, SnapshotSelf,
      {oid_key(Anum_pg_depend_classid, RelationRelationId), oid_key(Anum_pg_depend_objid, index)}, is_foreign_code);
}

bool is_child(Oid table, Oid parent) {
  return has_catalog_row<FormData_pg_inherits>(InheritsRelationId, InheritsRelidSeqnoIndexId, SnapshotSelf,
                                               {oid_key(Anum_pg_inherits_inhrelid, table)},
                                               [parent](const auto* form) { return form->inhparent == parent; });
}

}  // namespace

// The guards find the trail by its place in the catalogs, but people and statements find it by its name. The other
// tables are found by their names. The trail may be given away: it then runs code with its new owner's rights.
void check_table(Oid relation) {
  const Ward ward = ward_of(relation);
  if (ward == Ward::none) return;
  const CatalogRow row = catalog_row(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, relation);
  const auto* old = row.old_form<FormData_pg_class>();
  const auto* now = row.new_form<FormData_pg_class>();
  if (old == nullptr || now == nullptr) return;
  const bool is_moved =
      strcmp(NameStr(old->relname), NameStr(now->relname)) != 0 || old->relnamespace != now->relnamespace;
  const bool is_unlogged =
      now->relpersistence != old->relpersistence && now->relpersistence != RELPERSISTENCE_PERMANENT;
  const bool is_given_away = now->relowner != old->relowner;
  // Partitions may be renamed: nothing looks for them by name, except that a foreign one may have the remote table's.
  const bool is_named = ward == Ward::own_table || relation == events_table() || old->relkind == RELKIND_FOREIGN_TABLE;
  if ((is_moved && is_named) || (is_given_away && ward == Ward::own_table) || is_unlogged ||
      now->reloftype != old->reloftype)
    refuse(relation);
}

void check_column(Oid relation, int number) {
  if (ward_of(relation) == Ward::none) return;
  const CatalogRow row = column_row(relation, number);
  const auto* old = row.old_form<FormData_pg_attribute>();
  const auto* now = row.new_form<FormData_pg_attribute>();
  if (old != nullptr && now != nullptr && differs(*old, *now)) return refuse(relation);
  check_column_options(relation, number);
}

void check_new_relation(Oid relation, int column) {
  if (column != 0) {
    if (ward_of(relation) != Ward::none) refuse_addition(relation);
    return;
  }
  const Oid table = table_of_new_index(relation);
  if (!OidIsValid(table)) return;
  // The parent's own index is no part of a dump; those of its partitions are.
  const bool is_lost = table == events_table();
  if (is_lost || (ward_of(table) == Ward::own_table && runs_code_of_others(relation))) refuse_addition(table);
}

// ATTACH and DETACH look alike to the hook but for what they leave. Who reads one of the other tables would read a
// child.
void check_inheritance(Oid child, Oid parent) {
  const Ward ward = ward_of(parent);
  if (ward == Ward::own_table) refuse(parent);
  if (ward == Ward::trail) is_child(child, parent) ? note_foreign_partitions(child) : refuse(child);
}

}  // namespace audit::pg
