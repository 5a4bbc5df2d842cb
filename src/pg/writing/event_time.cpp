#include "writing/event_time.hpp"

#include "base/own_objects.hpp"
#include "base/own_rows.hpp"

namespace audit::pg {
namespace {

// Less is always allowed, so that the configuration is only looked up for events that are odd.
constexpr std::int64_t always_allowed_us = 60 * USECS_PER_SEC;

TimestampTz latest_allowed(TimestampTz now) {
  Configuration configuration = read_configuration();
  return DatumGetTimestamp(
      DirectFunctionCall2(timestamp_pl_interval, TimestampGetDatum(now), IntervalPGetDatum(&configuration.max_ahead)));
}

}  // namespace

bool is_too_far_ahead(TimestampTz created_at) {
  const TimestampTz now = GetCurrentTimestamp();
  return created_at > now + always_allowed_us && created_at > latest_allowed(now);
}

bool is_restoring(Relation table) { return !row_security && has_privs_of_role(GetUserId(), table->rd_rel->relowner); }

}  // namespace audit::pg
