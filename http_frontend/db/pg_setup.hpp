// A connection of libpq while its session is set up: each call waits, but never past the deadline.
#pragma once

#include <chrono>
#include <string>

#include "db/pg_session.hpp"
#include "db/query.hpp"
#include "db/query_outcome.hpp"

namespace audit::httpd {

// What ends the setup.
struct SetupProblem {
  // `message` may have line ends, which are taken away.
  SetupProblem(SessionProblem::Kind kind, std::string message);
  SessionProblem problem;
};

// All calls throw SetupProblem.
class PgSetup {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // REQUIRES: `connection` outlives this.
  PgSetup(pg_conn* connection, Time deadline) : connection_(connection), deadline_(deadline) {}

  // Null: the query has no parameter.
  PgResult query(const char* sql, const char* parameter = nullptr);
  void prepare(const PreparedStatement& statement);

 private:
  void check(int ok) const;
  PgResult last_result();
  void wait();

  pg_conn* connection_;
  Time deadline_;
};

}  // namespace audit::httpd
