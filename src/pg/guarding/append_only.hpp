// The trail is append-only: who may change it, and how a change that was let through is recorded.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Why a change is refused, and what to do instead.
struct Refusal {
  const char* reason;
  const char* detail;
  const char* hint;
};

constexpr const char append_only_reason[] = "the audit trail is append-only";
constexpr const char lift_hint[] =
    "A superuser can lift this with SET audit_ext.allow_changes = on; what is done then is recorded as an event.";
constexpr Refusal append_only_refusal = {
    append_only_reason, "It would change or remove recorded events, or what guards them.",
    "Old events leave by audit_configure(keep => ...) and CALL audit_maintain(). A superuser can lift this "
    "with SET audit_ext.allow_changes = on; what is done then is recorded as an event."};

// Raises 42501 unless audit_ext.allow_changes lets the change pass. True: it has to be recorded.
bool check_change(const char* command, const char* object_name, const Refusal& refusal);

// Notes that a command has changed the trail; record_changes() records it as an event when the command has ended. What
// a transaction or a subtransaction notes goes with it when it is rolled back.
void note_change(const char* command, Oid relation);
void record_changes();

// The same for a change that needs no permission.
void note_allowed(const char* what, Oid table);

// The same for row-level security, which its owner may change: recorded, and saved for dumps.
void note_row_security(const char* what, Oid table);

// Records an event at once.
void record_change(const char* command, const char* relation_name);

// The command that runs, for messages: a tag of PostgreSQL's.
void begin_command(const char* command);
const char* running_command();

// To be called once, when the library is loaded.
void watch_transactions();

}  // namespace audit::pg
