// A batch into a trail that Citus distributes. Citus runs no statement on its tables that reads new_events, so the rows
// reach it as one value.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// As the statements of event_batch.cpp do: claims the given ids, and leaves the positions of known events in
// SPI_tuptable. REQUIRES: SPI connected, new_events registered.
void find_known_distributed(Oid function_oid);

// Inserts new_events with the caller's rights. REQUIRES: as above.
void insert_distributed(Oid function_oid);

}  // namespace audit::pg
