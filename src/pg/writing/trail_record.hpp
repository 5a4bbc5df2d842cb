// What the extension itself records about the trail: events of the group audit.
#pragma once

#include "base/owner_rights.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

// Records that the user of the session did it. `details`: an SQL expression for the payload, which refers to
// `arguments` as $1, $2, ...; nullptr: there is none. resource_id may be nullptr.
void record_event(const char* event_type, const char* resource_type, const char* resource_id, const char* details,
                  const StatementArgument* arguments, int argument_count);

// Whether an event with this group would look like one of the extension's.
bool is_own_group(Datum group);
// Whether it is being recorded by record_event().
bool is_own_record(Datum id);

}  // namespace audit::pg
