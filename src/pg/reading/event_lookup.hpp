// Finds one event by its id.
#pragma once

#include "base/event_row.hpp"
#include "base/postgres_api.hpp"

namespace audit::pg {

// The arguments of audit_get and audit_get_json: (id uuid, user_id bigint DEFAULT NULL).
struct EventLookup {
  Oid function_oid;
  std::optional<Datum> id;       // nullopt finds nothing
  std::optional<Datum> user_id;  // finds only this user's event
};

EventLookup read_event_lookup(FunctionCallInfo fcinfo);

// Hands the event to `sink`, or nothing. Cost: one index probe in one partition for an id made by the extension, one
// probe in each partition for any other.
void find_event(const EventLookup& lookup, EventSink& sink);

}  // namespace audit::pg
