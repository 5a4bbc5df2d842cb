// Decisions are on objects and under the lock that the command holds by then. Names only serve messages. PostgreSQL has
// no hook for switched row-level security and rewritten tables. The event triggers of fn_audit_guard.cpp see these.
#include "guarding/object_guard.hpp"

#include "base/distribution.hpp"
#include "base/trail.hpp"
#include "guarding/foreign_guard.hpp"
#include "guarding/loss_guard.hpp"
#include "guarding/name_guard.hpp"
#include "guarding/part_guard.hpp"
#include "guarding/refusal.hpp"
#include "guarding/table_guard.hpp"

namespace audit::pg {
namespace {

object_access_hook_type next_hook = nullptr;

void on_created(Oid class_oid, Oid object, int column) {
  switch (class_oid) {
    case RelationRelationId: return check_new_relation(object, column);
    case TriggerRelationId: return check_new_trigger(object);
    case ConstraintRelationId: return check_constraint(object);
    case AttrDefaultRelationId: return check_new_default(object);  // the hook gets the table
    case RewriteRelationId: return check_rule(object);
    case PolicyRelationId: return check_policy(object);
    case ProcedureRelationId: return check_function(object);  // OR REPLACE too
    default: return;
  }
}

void on_altered(Oid class_oid, Oid object, int column, Oid other) {
  switch (class_oid) {
    case RelationRelationId: return column == 0 ? check_table(object) : check_column(object, column);
    case InheritsRelationId: return check_inheritance(object, other);
    case TriggerRelationId: return check_trigger(object);
    case ConstraintRelationId: return check_constraint(object);
    case RewriteRelationId: return check_rule(object);
    case PolicyRelationId: return check_policy(object);
    case ForeignTableRelationId: return check_foreign_table(object);
    case ForeignServerRelationId: return check_server(object);
    case ForeignDataWrapperRelationId: return check_wrapper(object);
    case ProcedureRelationId: return check_function(object);
    case EventTriggerRelationId: return check_event_trigger(object);
    case NamespaceRelationId: return check_schema(object);
    default: return;
  }
}

void on_dropped(Oid class_oid, Oid object, int column, int flags) {
  // Internal: parts that PostgreSQL itself replaces, such as the triggers that a partition has from its parent.
  if ((flags & PERFORM_DELETION_INTERNAL) != 0) return;
  if (class_oid == PolicyRelationId) return check_dropped_policy(object);
  check_removal(class_oid, object, column);
}

// Citus asks a worker for what the guards of the coordinator have let pass. It does so as the role that was allowed it
// there: maintenance and audit_ext.allow_changes are for superusers.
bool is_passed_on() { return is_session_of_citus() && superuser(); }

bool is_without_trail() {
  return !IsNormalProcessingMode() || !IsTransactionState() || is_passed_on() || !OidIsValid(events_table());
}

void on_object_access(ObjectAccessType access, Oid class_oid, Oid object, int column, void* argument) {
  if (next_hook != nullptr) next_hook(access, class_oid, object, column, argument);
  if (access == OAT_NAMESPACE_SEARCH || access == OAT_FUNCTION_EXECUTE || is_without_trail()) return;
  switch (access) {
    case OAT_POST_CREATE: return on_created(class_oid, object, column);
    case OAT_POST_ALTER:
      return on_altered(class_oid, object, column, static_cast<ObjectAccessPostAlter*>(argument)->auxiliary_id);
    case OAT_DROP: return on_dropped(class_oid, object, column, static_cast<ObjectAccessDrop*>(argument)->dropflags);
    case OAT_TRUNCATE: return check_truncate(object);
    default: return;
  }
}

}  // namespace

void watch_objects() {
  next_hook = object_access_hook;
  object_access_hook = on_object_access;
}

}  // namespace audit::pg
