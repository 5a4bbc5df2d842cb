// A snapshot from before a move of events, which sees neither the old rows nor all of the new ones.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Raises 40001 if the active snapshot may miss events that have been moved. To be called after they were read, with
// audit_events locked since.
void check_snapshot_age();

// To be called once, when the library is loaded.
void watch_storage();

}  // namespace audit::pg
