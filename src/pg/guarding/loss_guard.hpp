// What would take events away, or what guards them: DROP and TRUNCATE.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// column: of a table, one that goes; 0: all of the object.
void check_removal(Oid class_oid, Oid object, int column);

void check_truncate(Oid table);

}  // namespace audit::pg
