#include "guarding/name_guard.hpp"

#include "base/catalog_row.hpp"
#include "base/trail.hpp"
#include "guarding/append_only.hpp"
#include "guarding/foreign_guard.hpp"
#include "guarding/refusal.hpp"

namespace audit::pg {
namespace {

constexpr Refusal overload_refusal = {
    "audit_ext has a function of that name in this schema",
    "Two functions of one name can make calls of either ambiguous, so that they fail.",
    "Give it another name, or another schema."};

constexpr Refusal schema_refusal = {"audit_ext is installed in it", "Functions of the extension find it by its name.",
                                    lift_hint};

bool has_own_function(Oid schema, const char* name) {
  CatCList* functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
  bool found = false;
  for (int i = 0; !found && i < functions->n_members; i++) {
    const auto* form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(&functions->members[i]->tuple));
    found = form->pronamespace == schema && is_own_object(ProcedureRelationId, form->oid);
  }
  ReleaseSysCacheList(functions);
  return found;
}

void refuse_name(const char* name, const Refusal& refusal) {
  if (check_change(running_command(), name, refusal)) note_change(running_command(), events_table());
}

}  // namespace

void check_function(Oid function) {
  if (is_own_object(ProcedureRelationId, function)) return refuse(events_table());
  const CatalogRow row = catalog_row(ProcedureRelationId, ProcedureOidIndexId, Anum_pg_proc_oid, function);
  const auto* now = row.new_form<FormData_pg_proc>();
  if (now != nullptr && now->pronamespace == extension_schema() &&
      has_own_function(now->pronamespace, NameStr(now->proname)))
    refuse_name(NameStr(now->proname), overload_refusal);
}

void check_event_trigger(Oid event_trigger) {
  if (is_own_object(EventTriggerRelationId, event_trigger)) refuse(events_table());
}

void check_schema(Oid schema) {
  const Oid partition = foreign_partition_in(schema);
  if (schema != extension_schema() && !OidIsValid(partition)) return;
  const CatalogRow row = catalog_row(NamespaceRelationId, NamespaceOidIndexId, Anum_pg_namespace_oid, schema);
  const auto* old = row.old_form<FormData_pg_namespace>();
  const auto* now = row.new_form<FormData_pg_namespace>();
  if (old == nullptr || now == nullptr || strcmp(NameStr(old->nspname), NameStr(now->nspname)) == 0) return;
  if (schema == extension_schema()) return refuse_name(NameStr(old->nspname), schema_refusal);
  refuse(partition);
}

}  // namespace audit::pg
