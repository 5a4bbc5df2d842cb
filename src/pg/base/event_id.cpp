// Ids for new events: see the header.
#include "base/event_id.hpp"

namespace audit::pg {

Datum make_event_id(TimestampTz created_at) {
  std::uint64_t random_bits = 0;
  if (!pg_strong_random(&random_bits, sizeof(random_bits)))
    ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values for an event id"),
            errhint("The operating system's source of random numbers does not answer."));
  const Uuid id = make_uuid_v7(created_at, random_bits);
  auto* result = static_cast<pg_uuid_t*>(palloc(UUID_LEN));
  memcpy(result->data, id.data(), UUID_LEN);
  return UUIDPGetDatum(result);
}

}  // namespace audit::pg
