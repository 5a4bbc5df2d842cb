// Cursors: read from anything; written and read again; and never accepted after a change.
#include "core/page_cursor.hpp"

#include <algorithm>
#include <string>

#include "fuzz.hpp"

namespace {

using namespace audit;
using fuzz::require;

// The first 25 bytes: a position, and where to damage the cursor. The rest: values of filters.
void require_round_trip(std::string_view input) {
  EventKey key;
  for (int i = 0; i < 8; ++i)
    key.created_at_us = static_cast<std::int64_t>((static_cast<std::uint64_t>(key.created_at_us) << 8) |
                                                  static_cast<std::uint8_t>(input[i]));
  std::copy_n(input.begin() + 8, key.id.size(), key.id.begin());
  const auto damage = static_cast<std::uint8_t>(input[24]);
  std::string_view rest = input.substr(25);
  EventFilters filters;
  for (std::size_t i = 0; i + 1 < filter_count && !rest.empty(); i++)
    filters.values[i] = FilterValue{rest[0], fuzz::take_line(rest)};

  std::string token(cursor_size, '\0');
  write_cursor(key, filters, token.data());
  EventKey read;
  require(is_well_formed_cursor(token) && read_cursor(token, filters, read) == CursorStatus::ok);
  require(read.created_at_us == key.created_at_us && read.id == key.id);
  filters.values[filter_count - 1] = FilterValue{1, "another"};
  require(read_cursor(token, filters, read) == CursorStatus::mismatch);
  token[damage % cursor_size] ^= static_cast<char>(1 + damage / cursor_size);
  require(read_cursor(token, filters, read) == CursorStatus::invalid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  EventKey key;
  const CursorStatus status = read_cursor(input, {}, key);
  require(is_well_formed_cursor(input) == (status != CursorStatus::invalid));
  if (input.size() >= 25) require_round_trip(input);
  return 0;
}
