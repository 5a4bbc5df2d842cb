// The trail, found by object. audit_events is the partitioned table that is a member of the extension, whatever its
// name is. Everything else follows from its OID.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// The schema that audit_ext is installed in; InvalidOid: it is not.
Oid extension_schema();

// audit_events; InvalidOid: this database has none. The OID is cached, so DDL on other objects costs nothing more.
Oid events_table();

// Its default partition; InvalidOid: it has none.
Oid default_partition();

// Whether the relation is audit_events or one of its partitions, at any depth, or a shard of these.
bool is_guarded(Oid relation);

// Whether the object, such as a function or an event trigger, is a member of the extension.
bool is_own_object(Oid class_oid, Oid object);

// Whether it is one of the 26 columns of an event.
bool is_event_column(const char* name);

// Whether the table, or a partition of it at any depth, holds events. A table whose rows cannot be read here (foreign,
// distributed by Citus) counts as holding some.
bool holds_events(Oid relation);

// To be called once, when the library is loaded.
void watch_membership();

}  // namespace audit::pg
