// Checks that the daemon may and can work in a session: its role, its database and the extension there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/query.hpp"
#include "db/query_outcome.hpp"

namespace audit::httpd {

// Stands in statements for the extension's schema; the name of a function follows behind a dot.
inline constexpr std::string_view schema_mark = "@schema@";

// What the daemon has to know of the session.
struct SessionSelf {
  std::string schema;  // the extension's, quoted
  bool is_standby;
};

// The query of one row that says it. Its parameter is needed_functions().
const char* self_sql();
// What the session has to be allowed to call for these, as an array.
std::string needed_functions(const std::vector<PreparedStatement>& statements);
// Throws SetupProblem where the daemon must not or cannot work there. REQUIRES: `self` is the answer to self_sql().
SessionSelf check_self(const PgResult& self);

// "check", for later: one row, whether the server is a standby, and why the role is too mighty (null: it is not).
PreparedStatement check_statement();

}  // namespace audit::httpd
