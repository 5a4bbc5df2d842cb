// Opens sessions of the database: connects, checks who we are there, and prepares the statements.
//
// This blocks (name resolution, handshakes), so it runs on a helper thread. pg_session.cpp and pg_connection.cpp are
// the only files that include libpq-fe.h.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "db/query.hpp"

struct pg_conn;

namespace audit::httpd {

struct PgConnDeleter {
  void operator()(pg_conn* connection) const;
};
using PgConnPtr = std::unique_ptr<pg_conn, PgConnDeleter>;

struct SessionSettings {
  std::string conninfo;  // a libpq string or URI; may hold a password, so it is never shown
  std::chrono::milliseconds statement_timeout;
  std::chrono::milliseconds setup_timeout{5000};
  std::vector<PreparedStatement> statements;  // besides "check": one row, whether the server is a standby, and
                                              // why the role is too mighty (null: it is not)
  bool listens = false;                       // to the channel on which the extension tells of changed principals
};

struct Session {
  PgConnPtr connection;  // idle, in pipeline mode
  bool is_standby = false;
};

struct SessionProblem {
  enum class Kind {
    unreachable,  // may get better by itself
    too_mighty,   // the role may do more than a front end must
    not_ready,    // connected, but the extension or a right is missing
  };
  Kind kind;
  std::string message;  // one line
};

std::variant<Session, SessionProblem> open_session(const SessionSettings& settings);

// Whether libpq can read it. Says no more, since the reason would quote from it.
bool is_valid_conninfo(const std::string& conninfo);

}  // namespace audit::httpd
