// A key that is looked for in a GIN index over several columns. The columns are text, bigint, integer and inet.
#pragma once

#include "base/postgres_api.hpp"

namespace audit::pg {

struct GinKey {
  int column;             // of the index, from 1
  ColumnKind kind;        // of the column of the index; decides which of these is the value
  std::int64_t number;    // integer, integer32
  std::string_view text;  // text
  const inet* address;    // address; without a prefix of its own
};

}  // namespace audit::pg
