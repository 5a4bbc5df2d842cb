#include "guarding/part_guard.hpp"

#include "base/trail.hpp"
#include "guarding/append_only.hpp"
#include "guarding/refusal.hpp"

namespace audit::pg {
namespace {

// Restoring data alone, pg_restore --disable-triggers switches all triggers of a table off while it is filled.
bool is_for_restore(Oid table) { return superuser() && !holds_events(table); }

bool has_when(HeapTuple row) { return !heap_attisnull(row, Anum_pg_trigger_tgqual, nullptr); }

bool is_replaced(const CatalogRow& row) {
  const FormData_pg_trigger* old = trigger_form(row.before);
  const FormData_pg_trigger* now = trigger_form(row.after);
  return strcmp(NameStr(old->tgname), NameStr(now->tgname)) != 0 || old->tgfoid != now->tgfoid ||
         old->tgtype != now->tgtype || old->tgnargs != now->tgnargs || has_when(row.before) != has_when(row.after);
}

bool fires_less(const FormData_pg_trigger& old, const FormData_pg_trigger& now) {
  if (now.tgenabled == TRIGGER_FIRES_ALWAYS || now.tgenabled == old.tgenabled) return false;
  return now.tgenabled != TRIGGER_FIRES_ON_ORIGIN || old.tgenabled == TRIGGER_FIRES_ALWAYS;
}

CatalogRow policy_row(Oid policy) {
  return catalog_row(PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid, policy);
}

void note_policy(const FormData_pg_policy& form) {
  note_row_security(psprintf("%s %s", running_command(), quote_identifier(NameStr(form.polname))), form.polrelid);
}

}  // namespace

CatalogRow trigger_row(Oid trigger) {
  return catalog_row(TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, trigger);
}

const FormData_pg_trigger* trigger_form(HeapTuple row) {
  return row == nullptr ? nullptr : reinterpret_cast<const FormData_pg_trigger*>(GETSTRUCT(row));
}

bool is_own_trigger(const FormData_pg_trigger* form) { return is_own_object(ProcedureRelationId, form->tgfoid); }

// PostgreSQL may have begun another step since it made the trigger, so that it is in `before` as well.
void check_new_trigger(Oid trigger) {
  const FormData_pg_trigger* now = trigger_form(trigger_row(trigger).after);
  if (now == nullptr || ward_of(now->tgrelid) == Ward::none) return;
  // OR REPLACE may have changed a trigger of the extension. A table that foreign keys point to has PostgreSQL's own
  // triggers too.
  if (is_own_trigger(now)) return check_trigger(trigger);
  if (!now->tgisinternal) refuse_addition(now->tgrelid);
}

void check_trigger(Oid trigger) {
  const CatalogRow row = trigger_row(trigger);
  const FormData_pg_trigger* old = trigger_form(row.before);
  const FormData_pg_trigger* now = trigger_form(row.after);
  if (old == nullptr || now == nullptr || !is_own_trigger(old)) return;
  const Ward ward = ward_of(now->tgrelid);
  if (ward == Ward::none) return;
  const bool is_weakened = ward == Ward::trail && fires_less(*old, *now) && !is_for_restore(now->tgrelid);
  if (is_replaced(row) || is_weakened) refuse(now->tgrelid);
}

void check_constraint(Oid constraint) {
  const CatalogRow row = catalog_row(ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid, constraint);
  const auto* old = row.old_form<FormData_pg_constraint>();
  const auto* now = row.new_form<FormData_pg_constraint>();
  if (now == nullptr || !OidIsValid(now->conrelid) || ward_of(now->conrelid) == Ward::none) return;
  if (old != nullptr) {
    if (strcmp(NameStr(old->conname), NameStr(now->conname)) != 0) refuse(now->conrelid);
    return;
  }
  // A partition that was attached by hand gets its primary key; one that is being attached, its parent's constraints.
  const bool is_expected = now->contype == CONSTRAINT_PRIMARY || now->coninhcount > 0;
  // A constraint trigger is looked at as the trigger that it is.
  if (!is_expected && now->contype != CONSTRAINT_TRIGGER) refuse_addition(now->conrelid);
}

void check_rule(Oid rule) {
  const CatalogRow row = catalog_row(RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid, rule);
  const auto* form = row.new_form<FormData_pg_rewrite>();
  if (form != nullptr && ward_of(form->ev_class) != Ward::none) refuse_addition(form->ev_class);
}

void check_new_default(Oid table) {
  if (ward_of(table) != Ward::none) refuse(table);
}

void check_policy(Oid policy) {
  const auto* form = policy_row(policy).new_form<FormData_pg_policy>();
  if (form == nullptr) return;
  const Ward ward = ward_of(form->polrelid);
  if (ward == Ward::trail) note_policy(*form);
  if (ward == Ward::own_table) refuse_addition(form->polrelid);
}

void check_dropped_policy(Oid policy) {
  const auto* form = policy_row(policy).old_form<FormData_pg_policy>();
  if (form != nullptr && ward_of(form->polrelid) == Ward::trail) note_policy(*form);
}

}  // namespace audit::pg
