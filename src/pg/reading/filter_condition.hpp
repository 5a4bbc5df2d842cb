// A filter as a condition of SQL, for the SQL path.
#pragma once

#include "base/postgres_api.hpp"
#include "engine/page_filter.hpp"

namespace audit::pg {

// Nothing of what the caller wrote is in the text: values, and paths into the payload, are parameters.
struct FilterCondition {
  static constexpr int parameters_max = 2 * filter_terms_max;

  StringInfoData sql;
  int parameter_count;
  Oid types[parameters_max];
  Datum values[parameters_max];
};

// For a WHERE clause of a SELECT from audit_events. `first_parameter`: the number of its first parameter. Memory: the
// current context.
void compose_condition(const PageFilter& filter, int first_parameter, FilterCondition& condition);

}  // namespace audit::pg
