// What comes back from the database: a result, or why there is none.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http/http_types.hpp"

struct pg_result;

namespace audit::httpd {

// The rows of one statement, in the memory that libpq received them in.
class PgResult {
 public:
  explicit PgResult(pg_result* result);

  int row_count() const;
  // Nothing for an SQL null. The view lives as long as the result.
  std::optional<std::string_view> value(int row, int column) const;
  // The same of a column whose type is an integer.
  std::optional<std::int64_t> integer(int row, int column) const;
  // A value of the first row together with the memory it lies in. REQUIRES: it is not null.
  Body into_body(int column) &&;

 private:
  Body::Owner result_;
};

struct QueryFailure {
  enum class Kind {
    sql_error,   // the server says so: sqlstate, message, and the constraint that the extension names
    timed_out,   // cancelled by the server or by us
    away,        // no connection, or it broke
    overloaded,  // the queue is full, or the request waited in it for too long
    abandoned,   // cancelled because the client has gone
  };
  Kind kind;
  std::string sqlstate;
  std::string constraint;
  std::string message;
};

using QueryOutcome = std::variant<PgResult, QueryFailure>;
using QueryCallback = std::function<void(QueryOutcome)>;

}  // namespace audit::httpd
