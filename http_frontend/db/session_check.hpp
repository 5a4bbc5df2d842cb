// Whether the role, the database and the extension of a session are such that the daemon may and can work there.
#pragma once

#include <string>

#include "db/query.hpp"
#include "db/query_outcome.hpp"

namespace audit::httpd {

// What the daemon has to know of the session.
struct SessionSelf {
  std::string schema;  // the extension's, quoted
  bool is_standby;
};

// The query of one row that says it.
const char* self_sql();
// Throws SetupProblem where the daemon must not or cannot work there. REQUIRES: `self` is the answer to self_sql().
SessionSelf check_self(const PgResult& self);

// "check", for later: one row, whether the server is a standby, and why the role is too mighty (null: it is not).
PreparedStatement check_statement();

}  // namespace audit::httpd
