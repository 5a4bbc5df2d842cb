// jsonb as JSON text, written straight into the result.
#pragma once

#include "json_buffer.hpp"

namespace audit::pg {

// Appends the text that jsonb_out gives, to the byte: a space behind each comma and colon. Walks the tree in place,
// without PostgreSQL's iterator and without a C string in between. Raises 54001 where it is nested too deeply.
void append_jsonb(JsonBuffer& json, Jsonb* value);

}  // namespace audit::pg
