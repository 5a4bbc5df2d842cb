// The oldest and newest events of a partition, above all of the default one. They are read along the primary key
// without a plan, so that no expression of the owner is evaluated.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// created_at of the oldest event from `since` on, and of the newest before `until`; no value: there is none.
std::optional<TimestampTz> oldest_event(Oid partition, TimestampTz since);
std::optional<TimestampTz> newest_event(Oid partition, TimestampTz until);

// How many there are from `since` on, counted up to `max`.
std::int64_t count_events(Oid partition, TimestampTz since, std::int64_t max);

}  // namespace audit::pg
