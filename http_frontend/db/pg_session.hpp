// Opens sessions of the database: connects, checks the role, and prepares the statements.
//
// This blocks (name resolution, handshakes), so it runs on a helper thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
  std::chrono::milliseconds statement_timeout{5000};
  std::chrono::milliseconds setup_timeout{5000};
  std::vector<PreparedStatement> statements;  // besides "check": one row, whether the server is a standby, and
                                              // why the role is too mighty (null: it is not)
  bool listens = false;                       // to the channel of notices about changed principals, but not
                                              // through a pooler
};

// Behind a pooler, each transaction may run in another session of the server, so nothing can be kept there. Each
// transaction begins with its settings, and each statement is sent whole.
struct Unkept {
  Statement settings;                         // for the transaction alone; one of `statements`
  std::vector<PreparedStatement> statements;  // with the schema filled in
};

struct Session {
  PgConnPtr connection;  // idle, in pipeline mode
  bool is_standby = false;
  std::optional<Unkept> unkept;  // nothing: no pooler, and the statements are prepared
};

struct SessionProblem {
  enum class Kind {
    unreachable,     // may get better by itself
    too_mighty,      // the role may do more than a front end must
    wrong_encoding,  // the database's is not UTF8
    unfit_pooler,    // one that has no transactions
    not_ready,       // connected, but the extension or a right is missing
  };
  Kind kind;
  std::string message;  // one line; may name hosts and roles

  // The public reason. Lives for ever.
  std::string_view public_reason() const;
};

std::variant<Session, SessionProblem> open_session(const SessionSettings& settings);

// Whether libpq can read it. The reason is not returned, because it would quote from the string.
bool is_valid_conninfo(const std::string& conninfo);

}  // namespace audit::httpd
