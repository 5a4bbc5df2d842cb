// The extension's own objects. They are found by the schema's OID and by membership. So neither a renamed schema nor a
// foreign object of the same name is used instead.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// The function of that name with exactly these types of arguments. Raises 42883 where the extension has none.
Oid own_function(const char* name, int argument_count = 0, const Oid* argument_types = nullptr);

// The table of that name. Raises 42P01 where the extension has none.
Oid own_table(const char* name);

// The schema's name as it is now, quoted as an identifier, in the current memory context.
const char* own_schema_name();

// The owner of a table, or of a function.
Oid owner_of_table(Oid table);
Oid owner_of_function(Oid function_oid);

// Keeps the schema's name until the transaction ends, so that statements that name it reach it. Raises 55P03 if the
// name is about to change.
void pin_schema_name();

}  // namespace audit::pg
