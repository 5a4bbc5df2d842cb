#include "db/query_problem.hpp"

#include <spdlog/spdlog.h>

#include "http/problem.hpp"

namespace audit::httpd {
namespace {

bool is_permission_problem(const QueryFailure& failure) {
  // 42501: the caller's role may not read. 22023 and 42704 without a constraint name come from setting the role itself.
  return failure.sqlstate == "42501" || failure.sqlstate == "42704" || failure.sqlstate == "22023";
}

// A character that the database's encoding lacks, U+0000 among them.
bool is_text_problem(const QueryFailure& failure) { return failure.sqlstate == "22021" || failure.sqlstate == "22P05"; }

// 53: out of disk, memory or connections. 40001 and 40P01: a standby's replay had to go first. 08 and HV00N: the server
// of a foreign partition, or the one behind a pooler, is away.
bool is_passing_problem(const QueryFailure& failure) {
  return failure.sqlstate.compare(0, 2, "53") == 0 || failure.sqlstate.compare(0, 2, "08") == 0 ||
         failure.sqlstate == "40001" || failure.sqlstate == "40P01" || failure.sqlstate == "HV00N";
}

}  // namespace

Response query_problem(const QueryFailure& failure, const Request& request) {
  switch (failure.kind) {
    case QueryFailure::Kind::away: return unavailable_problem("Database unavailable", "database_away");
    case QueryFailure::Kind::overloaded: return unavailable_problem("Too many requests are waiting", "overloaded");
    case QueryFailure::Kind::abandoned: return problem(499, "The client has gone");
    case QueryFailure::Kind::timed_out:
      spdlog::warn("request {}: the query took too long: {}", request.id, failure.message);
      return problem(504, "The query took too long");
    case QueryFailure::Kind::sql_error: break;
  }
  if (failure.constraint == "cursor_invalid") {
    return validation_problem({{"query", "cursor", validation::cursor_invalid, "cursor_invalid"}});
  }
  if (failure.constraint == "cursor_mismatch") {
    return validation_problem({{"query", "cursor", validation::cursor_mismatch, "cursor_mismatch"}});
  }
  if (failure.constraint == "filter_invalid") {
    return validation_problem({{"query", "filter", validation::filter_invalid, "filter_invalid"}});
  }
  if (failure.constraint == "filter_rows_max") {
    return validation_problem({{"query", "filter", validation::filter_rows_max, "filter_rows_max"}});
  }
  spdlog::error("request {}: SQLSTATE {}: {}", request.id, failure.sqlstate, failure.message);
  if (failure.sqlstate == "25006")
    return unavailable_problem("This database takes no events: it is a standby", "standby");
  if (is_text_problem(failure)) return problem(400, "The request has text that the database cannot hold");
  if (is_passing_problem(failure)) return unavailable_problem("Database unavailable", "database_away");
  if (is_permission_problem(failure)) return problem(403, "Not enough permissions");
  return problem(500, "Internal Server Error");
}

}  // namespace audit::httpd
