// What is on the tables of the trail and of the extension: triggers, rules, constraints, defaults and policies.
#pragma once

#include "base/catalog_row.hpp"

namespace audit::pg {

void check_new_trigger(Oid trigger);
void check_trigger(Oid trigger);
void check_constraint(Oid constraint);
void check_rule(Oid rule);
void check_new_default(Oid table);

// Row-level security of the trail is its owner's to decide, but not unseen.
void check_policy(Oid policy);
void check_dropped_policy(Oid policy);

CatalogRow trigger_row(Oid trigger);
const FormData_pg_trigger* trigger_form(HeapTuple row);
bool is_own_trigger(const FormData_pg_trigger* form);

}  // namespace audit::pg
