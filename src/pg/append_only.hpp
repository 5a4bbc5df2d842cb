// The trail is append-only: what is guarded, and what happens to whoever tries. The guards are a row trigger and a
// TRUNCATE trigger on the tables, an event trigger that sees commands before they run, and a hook that sees every
// object on its way out, whatever command takes it along.
#pragma once

#include "postgres_api.hpp"

namespace audit::pg {

// The schema that audit_ext is installed in; InvalidOid: it is not.
Oid extension_schema();

// Whether the relation is audit_events or one of its partitions, at any depth.
bool is_guarded(Oid relation);

// Whether it is one of the 26 columns of an event.
bool is_event_column(const char* name);

// Whether the trigger is one of those that guard the trail.
bool is_guarding_trigger(const char* name);

// Raises 42501 unless audit_ext.allow_changes lets the change pass. True: it has to be recorded.
bool check_change(const char* command, Oid relation);

// Records as an event that the current user did this.
void record_change(const char* command, const char* relation_name);

// A command begins: its name is used in messages, and what was removed is noted from here on.
void begin_command(const char* command);

// It has ended: what it removed from the trail is recorded.
void record_removals();

// Whether the table, or a partition of it, holds events. Where not, there is nothing to guard.
bool holds_events(Oid relation);

// To be called once, when the library is loaded: installs the hook.
void watch_removals();

}  // namespace audit::pg
