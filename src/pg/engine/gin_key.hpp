// A key that is looked for in a GIN index over several columns of text and bigint.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct GinKey {
  int column;  // of the index, from 1
  bool is_text;
  std::int64_t number;    // of a bigint column
  std::string_view text;  // of a text column
};

}  // namespace audit::pg
