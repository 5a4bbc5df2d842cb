#include "guarding/loss_guard.hpp"

#include "base/catalog_row.hpp"
#include "base/trail.hpp"
#include "guarding/append_only.hpp"
#include "guarding/part_guard.hpp"
#include "guarding/refusal.hpp"

namespace audit::pg {
namespace {

Oid table_of_default(Oid attribute_default) {
  const CatalogRow row =
      catalog_row(AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid, attribute_default);
  const auto* form = row.old_form<FormData_pg_attrdef>();
  return form == nullptr ? InvalidOid : form->adrelid;
}

bool is_filter_index(Oid index) {
  const CatalogRow row = catalog_row(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, index);
  const auto* form = row.old_form<FormData_pg_class>();
  return form != nullptr && form->relkind == RELKIND_INDEX && form->relam == GIN_AM_OID;
}

// The table of the trail that loses something if this object goes.
Oid table_that_loses(Oid class_oid, Oid object, int column) {
  switch (class_oid) {
    case RelationRelationId:
      if (column == 0) return is_filter_index(object) ? IndexGetRelation(object, true) : object;
      if (const char* name = get_attname(object, static_cast<AttrNumber>(column), true); name != nullptr)
        return is_event_column(name) ? object : InvalidOid;
      return InvalidOid;
    case TriggerRelationId: {
      const FormData_pg_trigger* form = trigger_form(trigger_row(object).before);
      return form != nullptr && is_own_trigger(form) ? form->tgrelid : InvalidOid;
    }
    case ConstraintRelationId: {
      HeapTuple row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(object));
      if (!HeapTupleIsValid(row)) return InvalidOid;
      const Oid table = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row))->conrelid;
      ReleaseSysCache(row);
      return table;
    }
    case AttrDefaultRelationId: return table_of_default(object);
    default: return InvalidOid;
  }
}

bool has_truncate_guard(Oid table) {
  const auto is_guard = [](const FormData_pg_trigger* form) {
    return TRIGGER_FOR_TRUNCATE(form->tgtype) && form->tgenabled != TRIGGER_DISABLED && is_own_trigger(form);
  };
  return has_catalog_row<FormData_pg_trigger>(TriggerRelationId, TriggerRelidNameIndexId, nullptr,
                                              {oid_key(Anum_pg_trigger_tgrelid, table)}, is_guard);
}

}  // namespace

void check_removal(Oid class_oid, Oid object, int column) {
  const Oid table = table_that_loses(class_oid, object, column);
  // An empty table has nothing to lose: so DROP EXTENSION is refused just while there are events.
  if (OidIsValid(table) && is_guarded(table) && holds_events(table)) refuse(table);
}

// What is let through is recorded by the trigger, after the table was emptied. PostgreSQL checks the right to it later.
void check_truncate(Oid table) {
  if (!is_guarded(table) || pg_class_aclcheck(table, GetUserId(), ACL_TRUNCATE) != ACLCHECK_OK) return;
  if (!holds_events(table)) return;  // pg_restore --jobs empties what it is about to fill
  if (!check_change("TRUNCATE", get_rel_name(table), append_only_refusal)) return;
  if (!has_truncate_guard(table))
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("TRUNCATE of \"%s\" could not be recorded", get_rel_name(table)),
            errdetail("The partition was attached by hand and has no guards of its own yet."),
            errhint("Call audit_guard_partition() for it, or CALL audit_maintain()."));
}

}  // namespace audit::pg
