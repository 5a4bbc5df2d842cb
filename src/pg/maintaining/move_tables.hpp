// The tables that a move makes: audit_events_move, its partitions that are to become partitions of audit_events, and
// the rest, which has the events that stay.
#pragma once

#include "base/postgres_api.hpp"
#include "partitions/event_partition.hpp"

namespace audit::pg {

constexpr const char* move_name = "audit_events_move";
constexpr const char* rest_name = "audit_events_move_rest";

Oid default_table();

// InvalidOid: there is none. Raises an error where another role has a table of that name.
Oid own_move_table(const char* name);

// Of the parent, without those that are being detached; in the current memory context.
int partitions_of(Oid parent, PartitionBounds*& partitions);

void make_move_table();

// Whether events in the rest should have a partition, or a partition made by hand is where one is to be attached.
bool is_misplaced(Oid move);

// The constraint that spares ATTACH a look at all rows; it is dropped afterwards.
bool has_range_check(Oid partition);
void drop_range_check(Oid partition);

}  // namespace audit::pg
