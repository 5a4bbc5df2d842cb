// Decisions are on objects and under the lock that the command holds by then. Names only serve messages. PostgreSQL has
// no hook for switched row-level security and rewritten tables. The event triggers of fn_audit_guard.cpp see these.
#include "guarding/object_guard.hpp"

#include "base/catalog_row.hpp"
#include "base/trail.hpp"
#include "guarding/append_only.hpp"

namespace audit::pg {
namespace {

object_access_hook_type next_hook = nullptr;

constexpr const char dump_hint[] =
    "What is not in an event's columns goes into event_payload. An index is made on each partition: dumps have those.";
constexpr const char dump_detail[] =
    "It could turn events away or change them, and a dump of the extension's table would not have it.";

void refuse(Oid table) {
  if (check_change(running_command(), table)) note_change(running_command(), table);
}

void refuse_addition(Oid table) {
  if (check_change(running_command(), table, dump_detail, dump_hint)) note_change(running_command(), table);
}

// ---- Tables and columns

// The trail is found by its place in the catalogs, but people and statements find it by its name.
void check_table(Oid table) {
  const CatalogRow row = catalog_row(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, table);
  const auto* old = row.old_form<FormData_pg_class>();
  const auto* now = row.new_form<FormData_pg_class>();
  if (old == nullptr || now == nullptr) return;
  const bool is_moved =
      strcmp(NameStr(old->relname), NameStr(now->relname)) != 0 || old->relnamespace != now->relnamespace;
  const bool is_unlogged =
      now->relpersistence != old->relpersistence && now->relpersistence != RELPERSISTENCE_PERMANENT;
  // Partitions may be renamed: nothing looks for them by name.
  if ((is_moved && table == events_table()) || is_unlogged || now->reloftype != old->reloftype) refuse(table);
}

bool differs(const FormData_pg_attribute& old, const FormData_pg_attribute& now) {
  return strcmp(NameStr(old.attname), NameStr(now.attname)) != 0 || old.atttypid != now.atttypid ||
         old.atttypmod != now.atttypmod || old.attcollation != now.attcollation || old.attnotnull != now.attnotnull ||
         old.attidentity != now.attidentity || old.attgenerated != now.attgenerated;
}

void check_column(Oid table, int number) {
  const CatalogRow row = column_row(table, number);
  const auto* old = row.old_form<FormData_pg_attribute>();
  const auto* now = row.new_form<FormData_pg_attribute>();
  if (old != nullptr && now != nullptr && differs(*old, *now)) refuse(table);
}

// Of the index, the new row: nothing else has it yet.
Oid table_of_new_index(Oid index) {
  const CatalogRow row = catalog_row(IndexRelationId, IndexRelidIndexId, Anum_pg_index_indexrelid, index);
  const auto* form = row.new_form<FormData_pg_index>();
  return form == nullptr ? InvalidOid : form->indrelid;
}

bool is_child(Oid table, Oid parent) {
  Relation catalog = table_open(InheritsRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
  SysScanDesc scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, SnapshotSelf, 1, &key);
  bool found = false;
  for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));)
    found = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row))->inhparent == parent;
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return found;
}

// ATTACH and DETACH look alike to the hook but for what they leave.
void check_inheritance(Oid table, Oid parent) {
  if (is_guarded(parent) && !is_child(table, parent)) refuse(table);
}

void check_new_relation(Oid relation, int column) {
  if (column != 0) {
    if (is_guarded(relation)) refuse_addition(relation);
    return;
  }
  // The parent's own index is no part of a dump; those of its partitions are.
  const Oid table = table_of_new_index(relation);
  if (OidIsValid(table) && table == events_table()) refuse_addition(table);
}

// ---- Triggers, rules, constraints, defaults

const FormData_pg_trigger* trigger_form(HeapTuple row) {
  return row == nullptr ? nullptr : reinterpret_cast<const FormData_pg_trigger*>(GETSTRUCT(row));
}

CatalogRow trigger_row(Oid trigger) {
  return catalog_row(TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, trigger);
}

bool is_own_trigger(const FormData_pg_trigger* form) { return is_own_object(ProcedureRelationId, form->tgfoid); }

// Restoring data alone, pg_restore --disable-triggers switches all triggers of a table off while it is filled.
bool is_for_restore(Oid table) { return superuser() && !holds_events(table); }

bool has_when(HeapTuple row) { return !heap_attisnull(row, Anum_pg_trigger_tgqual, nullptr); }

bool fires_less(const FormData_pg_trigger& old, const FormData_pg_trigger& now) {
  if (now.tgenabled == TRIGGER_FIRES_ALWAYS || now.tgenabled == old.tgenabled) return false;
  return now.tgenabled != TRIGGER_FIRES_ON_ORIGIN || old.tgenabled == TRIGGER_FIRES_ALWAYS;
}

void check_trigger(Oid trigger) {
  const CatalogRow row = trigger_row(trigger);
  const FormData_pg_trigger* old = trigger_form(row.before);
  const FormData_pg_trigger* now = trigger_form(row.after);
  const FormData_pg_trigger* any = now != nullptr ? now : old;
  if (any == nullptr || !is_guarded(any->tgrelid)) return;
  if (old == nullptr) {
    // Of foreign keys that point to the trail, PostgreSQL's own are on it, too.
    if (!is_own_trigger(now) && !now->tgisinternal) refuse_addition(any->tgrelid);
    return;
  }
  if (now == nullptr || !is_own_trigger(old)) return;
  const bool is_another = strcmp(NameStr(old->tgname), NameStr(now->tgname)) != 0 || old->tgfoid != now->tgfoid ||
                          old->tgtype != now->tgtype || old->tgnargs != now->tgnargs ||
                          has_when(row.before) != has_when(row.after);
  if (is_another || (fires_less(*old, *now) && !is_for_restore(any->tgrelid))) refuse(any->tgrelid);
}

void check_constraint(Oid constraint) {
  const CatalogRow row = catalog_row(ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid, constraint);
  const auto* old = row.old_form<FormData_pg_constraint>();
  const auto* now = row.new_form<FormData_pg_constraint>();
  const auto* any = now != nullptr ? now : old;
  if (any == nullptr || !OidIsValid(any->conrelid) || !is_guarded(any->conrelid)) return;
  if (old != nullptr) {
    if (now != nullptr && strcmp(NameStr(old->conname), NameStr(now->conname)) != 0) refuse(any->conrelid);
    return;
  }
  // A partition that was attached by hand gets its primary key; one that is being attached, its parent's constraints.
  const bool is_expected = now->contype == CONSTRAINT_PRIMARY || now->coninhcount > 0;
  // A constraint trigger is looked at as the trigger that it is.
  if (!is_expected && now->contype != CONSTRAINT_TRIGGER) refuse_addition(any->conrelid);
}

Oid table_of_rule(Oid rule) {
  const CatalogRow row = catalog_row(RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid, rule);
  const auto* form = row.new_form<FormData_pg_rewrite>();
  return form == nullptr ? InvalidOid : form->ev_class;
}

void check_rule(Oid rule) {
  const Oid table = table_of_rule(rule);
  if (OidIsValid(table) && is_guarded(table)) refuse_addition(table);
}

Oid table_of_default(Oid attribute_default) {
  const CatalogRow row =
      catalog_row(AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid, attribute_default);
  const auto* form = row.old_form<FormData_pg_attrdef>();
  return form == nullptr ? InvalidOid : form->adrelid;
}

// ---- Row-level security: whose it is to decide, but not unseen

void note_policy(Oid policy) {
  const CatalogRow row = catalog_row(PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid, policy);
  const auto* form = row.after != nullptr ? row.new_form<FormData_pg_policy>() : row.old_form<FormData_pg_policy>();
  if (form == nullptr || !is_guarded(form->polrelid)) return;
  note_row_security(psprintf("%s %s", running_command(), quote_identifier(NameStr(form->polname))), form->polrelid);
}

// ---- The extension's functions and event triggers

void check_own_object(Oid class_oid, Oid object) {
  if (is_own_object(class_oid, object)) refuse(events_table());
}

// ---- What goes

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

void check_removal(Oid class_oid, Oid object, int column) {
  const Oid table = table_that_loses(class_oid, object, column);
  // An empty table has nothing to lose: so DROP EXTENSION is refused just while there are events.
  if (OidIsValid(table) && is_guarded(table) && holds_events(table)) refuse(table);
}

// ---- The hook

void on_created(Oid class_oid, Oid object, int column) {
  switch (class_oid) {
    case RelationRelationId: return check_new_relation(object, column);
    case TriggerRelationId: return check_trigger(object);
    case ConstraintRelationId: return check_constraint(object);
    case AttrDefaultRelationId:  // the hook gets the table
      if (is_guarded(object)) refuse(object);
      return;
    case RewriteRelationId: return check_rule(object);
    case PolicyRelationId: return note_policy(object);
    case ProcedureRelationId: return check_own_object(class_oid, object);  // OR REPLACE
    default: return;
  }
}

void on_altered(Oid class_oid, Oid object, int column, Oid other) {
  switch (class_oid) {
    case RelationRelationId:
      if (is_guarded(object)) column == 0 ? check_table(object) : check_column(object, column);
      return;
    case InheritsRelationId: return check_inheritance(object, other);
    case TriggerRelationId: return check_trigger(object);
    case ConstraintRelationId: return check_constraint(object);
    case RewriteRelationId: return check_rule(object);
    case PolicyRelationId: return note_policy(object);
    case ForeignTableRelationId:
      if (is_guarded(object)) refuse(object);
      return;
    case ProcedureRelationId:
    case EventTriggerRelationId: return check_own_object(class_oid, object);
    default: return;
  }
}

void on_dropped(Oid class_oid, Oid object, int column, int flags) {
  // Internal: parts that PostgreSQL itself replaces, such as the triggers that a partition has from its parent.
  if ((flags & PERFORM_DELETION_INTERNAL) != 0) return;
  if (class_oid == PolicyRelationId) return note_policy(object);
  check_removal(class_oid, object, column);
}

bool has_truncate_guard(Oid table) {
  Relation catalog = table_open(TriggerRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
  SysScanDesc scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, nullptr, 1, &key);
  bool found = false;
  for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));) {
    const FormData_pg_trigger* form = trigger_form(row);
    found = TRIGGER_FOR_TRUNCATE(form->tgtype) && form->tgenabled != TRIGGER_DISABLED && is_own_trigger(form);
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return found;
}

// What is let through is recorded by the trigger, after the table was emptied. PostgreSQL checks the right to it later.
void on_truncated(Oid table) {
  if (!is_guarded(table) || pg_class_aclcheck(table, GetUserId(), ACL_TRUNCATE) != ACLCHECK_OK) return;
  if (!holds_events(table)) return;  // pg_restore --jobs empties what it is about to fill
  if (!check_change("TRUNCATE", table)) return;
  if (!has_truncate_guard(table))
    ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("TRUNCATE of \"%s\" could not be recorded", get_rel_name(table)),
            errdetail("The partition was attached by hand and has no guards of its own yet."),
            errhint("Call audit_guard_partition() for it, or CALL audit_maintain()."));
}

bool is_without_trail() { return !IsNormalProcessingMode() || !IsTransactionState() || !OidIsValid(events_table()); }

void on_object_access(ObjectAccessType access, Oid class_oid, Oid object, int column, void* argument) {
  if (next_hook != nullptr) next_hook(access, class_oid, object, column, argument);
  if (access == OAT_NAMESPACE_SEARCH || access == OAT_FUNCTION_EXECUTE || is_without_trail()) return;
  switch (access) {
    case OAT_POST_CREATE: return on_created(class_oid, object, column);
    case OAT_POST_ALTER:
      return on_altered(class_oid, object, column, static_cast<ObjectAccessPostAlter*>(argument)->auxiliary_id);
    case OAT_DROP: return on_dropped(class_oid, object, column, static_cast<ObjectAccessDrop*>(argument)->dropflags);
    case OAT_TRUNCATE: return on_truncated(object);
    default: return;
  }
}

}  // namespace

void watch_objects() {
  next_hook = object_access_hook;
  object_access_hook = on_object_access;
}

}  // namespace audit::pg
