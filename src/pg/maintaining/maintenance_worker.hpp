// The background worker that runs audit_maintain(), for servers that have audit_ext in shared_preload_libraries.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// A worker for each database of audit_ext.maintenance_database. To be called while the server starts.
void register_maintenance_workers();

}  // namespace audit::pg
