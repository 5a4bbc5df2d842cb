// The fingerprint by which a cursor knows the filters it was made with, and the buckets of filter indexes. Changing
// them breaks every cursor and every index in use.
#include "event_filters.hpp"

#include "hash.hpp"

namespace audit {
namespace {

void add_network(Fnv1a64& hash, const InetNetwork& network) noexcept {
  hash.add_byte(network.prefix_length);
  hash.add_text({reinterpret_cast<const char*>(network.address.data()), network.address_size});
}

void add_value(Fnv1a64& hash, std::size_t filter, const FilterValue& value) noexcept {
  switch (filter_kind(filter)) {
    case ColumnKind::text: return hash.add_text(value.text);
    case ColumnKind::address: return add_network(hash, value.network);
    default: return hash.add_int64(value.number);
  }
}

void add_time(Fnv1a64& hash, const std::optional<std::int64_t>& time_us) noexcept {
  hash.add_byte(time_us.has_value());
  if (time_us) hash.add_int64(*time_us);
}

// Few enough that a bucket's list is short on disk, and enough that few other rows are in it.
constexpr std::uint64_t bucket_count = 16384;

std::int32_t bucket_of(const Fnv1a64& hash) noexcept { return static_cast<std::int32_t>(hash.value() % bucket_count); }

// Stands where another filter has its number.
constexpr std::uint8_t expression_mark = 0xff;
static_assert(filter_count <= expression_mark);

}  // namespace

std::int32_t filter_bucket(std::string_view text) noexcept {
  Fnv1a64 hash;
  hash.add_text(text);
  return bucket_of(hash);
}

std::int32_t filter_bucket(std::int64_t number) noexcept {
  Fnv1a64 hash;
  hash.add_int64(number);
  return bucket_of(hash);
}

std::uint64_t fingerprint(const EventFilters& filters) noexcept {
  Fnv1a64 hash;
  // Format 1 says of each published filter whether it is given. Another one adds nothing where it is not given, so that
  // cursors made without it stay good.
  for (std::size_t i = 0; i < published_filter_count; i++) {
    hash.add_byte(filters.values[i].has_value());
    if (filters.values[i]) add_value(hash, i, *filters.values[i]);
  }
  add_time(hash, filters.since_us);
  add_time(hash, filters.until_us);
  for (std::size_t i = published_filter_count; i < filter_count; i++) {
    if (!filters.values[i]) continue;
    hash.add_byte(static_cast<std::uint8_t>(i));
    add_value(hash, i, *filters.values[i]);
  }
  // As it is written: no two forms of it are taken for one.
  if (filters.expression) {
    hash.add_byte(expression_mark);
    hash.add_text(*filters.expression);
  }
  return hash.value();
}

}  // namespace audit
