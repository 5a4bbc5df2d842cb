#include "guarding/refusal.hpp"

#include "base/trail.hpp"
#include "guarding/append_only.hpp"

namespace audit::pg {
namespace {

constexpr Refusal addition_refusal = {
    append_only_reason,
    "It could turn events away or change them, and a dump of the extension's table would not have it.",
    "What is not in an event's columns goes into event_payload. An index is made on each partition: dumps have those."};

constexpr Refusal own_table_refusal = {
    "it belongs to audit_ext",
    "Functions use it with the rights of the extension's owner, and would run what is put on it.", lift_hint};

void refuse_unless_allowed(Oid relation, const Refusal& refusal) {
  if (check_change(running_command(), get_rel_name(relation), refusal)) note_change(running_command(), relation);
}

}  // namespace

Ward ward_of(Oid relation) {
  if (is_guarded(relation)) return Ward::trail;
  return is_own_object(RelationRelationId, relation) ? Ward::own_table : Ward::none;
}

void refuse(Oid relation) {
  refuse_unless_allowed(relation, ward_of(relation) == Ward::own_table ? own_table_refusal : append_only_refusal);
}

void refuse_addition(Oid relation) {
  refuse_unless_allowed(relation, ward_of(relation) == Ward::own_table ? own_table_refusal : addition_refusal);
}

}  // namespace audit::pg
