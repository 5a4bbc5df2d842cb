#include "base/event_id.hpp"

namespace audit::pg {
namespace {

// A call of the strong source costs as much as the rest of an event's defaults, so one call serves many ids. Empty
// until a session makes its first id: a process that is forked never shares numbers with another.
constexpr int stock_size = 64;
std::uint64_t stock[stock_size];
int stock_left = 0;

std::uint64_t random_bits() {
  if (stock_left == 0) {
    if (!pg_strong_random(stock, sizeof(stock)))
      ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values for an event id"),
              errhint("The operating system's source of random numbers does not answer."));
    stock_left = stock_size;
  }
  return stock[--stock_left];
}

}  // namespace

Datum make_event_id(TimestampTz created_at) {
  const Uuid id = make_uuid_v7(created_at, random_bits());
  auto* result = static_cast<pg_uuid_t*>(palloc(UUID_LEN));
  memcpy(result->data, id.data(), UUID_LEN);
  return UUIDPGetDatum(result);
}

}  // namespace audit::pg
