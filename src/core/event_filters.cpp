// The fingerprint by which a cursor knows the filters it was made with. Changing it breaks every cursor in use.
#include "event_filters.hpp"

#include "hash.hpp"

namespace audit {
namespace {

void add(Fnv1a64& hash, const std::optional<std::string_view>& text) noexcept {
  hash.add_byte(text.has_value());
  if (text) hash.add_text(*text);
}

void add(Fnv1a64& hash, const std::optional<std::int64_t>& number) noexcept {
  hash.add_byte(number.has_value());
  if (number) hash.add_int64(*number);
}

}  // namespace

std::uint64_t fingerprint(const EventFilters& filters) noexcept {
  Fnv1a64 hash;
  add(hash, filters.event_group);
  add(hash, filters.event_type);
  add(hash, filters.status);
  add(hash, filters.user_id);
  add(hash, filters.vm_id);
  add(hash, filters.session_id);
  add(hash, filters.since_us);
  add(hash, filters.until_us);
  return hash.value();
}

}  // namespace audit
