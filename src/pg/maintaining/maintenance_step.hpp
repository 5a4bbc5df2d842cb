// Runs a step of audit_maintain() with the rights of the extension's owner; while it runs it may change the trail.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Whether what runs now is a step itself, with the rights of the extension's owner. Not true of code that a step sets
// off in a security-restricted operation, which is where triggers, constraints and index expressions of others run.
bool is_maintenance_at_work();

// Runs the step of that name on behalf of the function, whose owner's rights it has, and returns its outcome. A lock
// that it does not get within 40 ms raises 55P03.
const char* run_maintenance_step(Oid function_oid, const char* name);

// The same for a step that audit_maintain() does not have.
using MaintenanceStep = const char* (*)();
const char* run_as_step(Oid function_oid, MaintenanceStep step);

}  // namespace audit::pg
