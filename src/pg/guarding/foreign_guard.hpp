// Foreign partitions: what decides which remote table each of them reads.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

bool is_foreign_partition(Oid relation);

// The foreign part of a table, or the options of its column, was changed.
void check_foreign_table(Oid relation);
void check_column_options(Oid relation, int column);

// A server or foreign-data wrapper was changed.
void check_server(Oid server);
void check_wrapper(Oid wrapper);

// A partition in that schema, whose name may be the remote schema's; InvalidOid: there is none.
Oid foreign_partition_in(Oid schema);

// A table has become a partition. If it is foreign, or has foreign partitions, this is recorded: others could change
// what these show.
void note_foreign_partitions(Oid relation);

// CREATE, ALTER and DROP USER MAPPING of a partition's server, once they are done: recorded, without their options.
void note_user_mapping(const Node* statement);

}  // namespace audit::pg
