// What a filter index holds of a text (IndexKey::prefix).
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

// Whole characters, as far as filter_size_max.
inline std::string_view filter_prefix(std::string_view text) {
  if (text.size() <= filter_size_max) return text;
  const int size = pg_mbcliplen(text.data(), static_cast<int>(text.size()), static_cast<int>(filter_size_max));
  return text.substr(0, static_cast<std::size_t>(size));
}

}  // namespace audit::pg
