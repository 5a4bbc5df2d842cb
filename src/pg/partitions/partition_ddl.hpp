// Makes partitions: the statements that change the catalog. Names come from OIDs. A caller that must be safe from
// renames holds a lock on the table, and calls pin_schema_name().
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Runs one command. REQUIRES: SPI connected.
void run_command(const char* format, ...) __attribute__((format(printf, 1, 2)));

// schema.name, quoted, in the current memory context.
const char* quoted_table(Oid table);

// All columns that can be written, also added ones, separated by commas.
const char* column_list(Oid table);

// A time as a literal that means the same everywhere.
const char* quoted_time(TimestampTz time);

// The name of the partition that begins then.
const char* partition_name(TimestampTz since);

// A table like audit_events, in its tablespace; `partition_clause` may be empty.
Oid create_table_like_events(const char* name, const char* partition_clause);

// What audit_index_partition() and audit_guard_partition() do.
void index_partition(Oid partition);
void guard_partition(Oid partition);
bool needs_guards(Oid partition);

// What audit_create_partition() does.
Oid create_partition(TimestampTz since, TimestampTz until);

void give_to_owner_of_events(Oid table);
void attach_partition(Oid partition, TimestampTz since, TimestampTz until);

// The trigger of that name, in the current memory context; nullptr: there is none.
HeapTuple find_trigger(Oid table, const char* name);

// Takes ACCESS EXCLUSIVE on audit_events and these partitions, for a change of the catalog that takes milliseconds.
// Raises 55P03 if this would wait longer than lock_timeout. Autovacuum is asked to release its lock.
void lock_against_everybody(const Oid* tables, int count);
void cancel_autovacuum(Oid table);

}  // namespace audit::pg
