// A term of a filter over the payload. A name leads to the member of an object. An array on the way, or at the end,
// stands for its elements, but not for elements of elements: as `lax` paths of SQL/JSON.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/page_filter.hpp"

namespace audit::pg {

// Whether one of the values that the path leads to fits the term. Walks the tree in place. REQUIRES: the payload is
// detoasted.
bool payload_matches(Jsonb* payload, const FilterNode& term, const PageFilter& filter);

}  // namespace audit::pg
