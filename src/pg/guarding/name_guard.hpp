// Names: what the extension's functions, and those who call them, find by name is the extension's.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// A function, procedure or aggregate that was made or changed.
void check_function(Oid function);
void check_event_trigger(Oid event_trigger);
void check_schema(Oid schema);

}  // namespace audit::pg
