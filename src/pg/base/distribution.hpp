// Citus keeps the rows of a distributed table in shards: tables of their own, on this server and on others.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Whether the database has Citus.
bool has_citus();

// Whether Citus keeps the rows of the table elsewhere, so that the table itself is always empty.
bool is_distributed(Oid relation);

// How many shards the table has.
int count_shards(Oid table);

// Whether this is a worker, and the session has the name that Citus gives those it opens. The name alone proves
// nothing: any role can set it.
bool is_session_of_citus();

// For a nest level of settings: lets Citus give shards the triggers of their table, which it calls unsafe.
void allow_triggers_on_shards();

}  // namespace audit::pg
