// Ids for new events.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// A version 7 UUID for an event of that moment, random part from the server's strong source, in the current context.
Datum make_event_id(TimestampTz created_at);

}  // namespace audit::pg
