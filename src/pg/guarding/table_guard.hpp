// Tables of the trail and of the extension: their names, owners and columns, the indexes on them, and inheritance.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

void check_table(Oid relation);
void check_column(Oid relation, int number);

// A table or an index that was made; column: one that was added to a table instead.
void check_new_relation(Oid relation, int column);

// A table that is another's child now, or is no more.
void check_inheritance(Oid child, Oid parent);

}  // namespace audit::pg
