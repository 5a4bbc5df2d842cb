// How far ahead of the clock a new event may be: what writers say must not decide which partitions are made, nor which
// events everybody sees first.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Whether created_at is later than audit_configure(max_ahead => ...) allows.
bool is_too_far_ahead(TimestampTz created_at);

// Whether the current user is putting back what was recorded before, as pg_restore does: the table's owner, or a
// superuser, with row_security = off.
bool is_restoring(Relation table);

}  // namespace audit::pg
