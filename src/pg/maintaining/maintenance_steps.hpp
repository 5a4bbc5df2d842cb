// The steps of audit_maintain(), each in a short transaction of its own, with the rights of the extension's owner. They
// return "done", "more" (call it again), "busy" (later), "nothing" (to move), or "again" (from the beginning).
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Gives a partition its guards and the owner of audit_events, where they are missing.
const char* guard_partitions();

// Records the events that pg_restore --disable-triggers has left in audit_events_dump.
const char* record_left();

// Makes a partition that is due.
const char* create_due();

// Drops the oldest partition whose events are all past keep and not held. Recorded as an event.
const char* drop_expired();

// Empties the pending list of a partition whose time is over. Otherwise it might stay for ever and cost each page that
// reads the partition up to 30 microseconds.
const char* flush_past();

// The end of the partitions that are made ahead.
TimestampTz made_until();

// Bounds from an SQL function that returns them as an array: since, until, since, until, ... In the current memory
// context.
int bounds_from(Datum array, TimestampTz*& bounds);

}  // namespace audit::pg
