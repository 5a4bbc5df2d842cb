// What is guarded, and how a change of it is refused.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

enum class Ward {
  none,
  trail,      // audit_events and its partitions: recorded events must stay
  own_table,  // the extension's other tables and views: what others put on them would run with its owner's rights
};

Ward ward_of(Oid relation);

// Raises 42501 unless audit_ext.allow_changes lets it pass, which is noted then.
void refuse(Oid relation);

// The same for what is put on the relation, such as a column, a trigger or a constraint.
void refuse_addition(Oid relation);

}  // namespace audit::pg
