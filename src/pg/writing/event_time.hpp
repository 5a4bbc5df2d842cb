// How far ahead of the clock a new event may be. Writers must decide neither which partitions are made, nor which
// events come first for every reader.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Whether created_at is later than audit_configure(max_ahead => ...) allows.
bool is_too_far_ahead(TimestampTz created_at);

// Whether the current user is restoring recorded events, as pg_restore does: the table's owner, or a superuser, with
// row_security = off.
bool is_restoring(Relation table);

}  // namespace audit::pg
