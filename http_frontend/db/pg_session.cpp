#include "db/pg_session.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "db/pg_setup.hpp"
#include "db/session_check.hpp"

namespace audit::httpd {
namespace {

// Everything that the session relies on, set by query because poolers in between refuse or drop start-up options.
constexpr const char* settings_sql =
    "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false),"
    " pg_catalog.set_config('statement_timeout', $1, false),"
    " pg_catalog.set_config('default_transaction_read_only', 'off', false),"
    " pg_catalog.set_config('application_name',"
    " coalesce(nullif(pg_catalog.current_setting('application_name'), ''), 'audit_httpd'), false)";

// The same for one transaction, in a session that others have used. Whether it may write was settled when it began.
constexpr const char* local_settings_sql =
    "SELECT pg_catalog.set_config('search_path', 'pg_catalog', true),"
    " pg_catalog.set_config('statement_timeout', $1, true), pg_catalog.set_config('lock_timeout', '0', true),"
    " pg_catalog.set_config('role', 'none', true), pg_catalog.set_config('row_security', 'on', true),"
    " pg_catalog.set_config('application_name',"
    " coalesce(nullif(pg_catalog.current_setting('application_name'), ''), 'audit_httpd'), true)";

PgConnPtr connect(const SessionSettings& settings) {
  // In this order: what the connection string says comes after, and so counts more than, our connect_timeout. No
  // application_name here: a pooler would give it to the session of the server, and leave it there.
  const std::string timeout_s = std::to_string(std::max<std::int64_t>(2, settings.setup_timeout.count() / 1000));
  const std::array<const char*, 4> keys{"connect_timeout", "dbname", "client_encoding", nullptr};
  const std::array<const char*, 4> values{timeout_s.c_str(), settings.conninfo.c_str(), "UTF8", nullptr};
  PgConnPtr connection(PQconnectdbParams(keys.data(), values.data(), 1));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw SetupProblem(SessionProblem::Kind::unreachable,
                       connection ? PQerrorMessage(connection.get()) : "out of memory");
  }
  return connection;
}

// The server's process is not the one that it reported when the connection began. The pooler's mode cannot be seen from
// here: a session that stays the same for a while may still change.
bool is_behind_pooler(PgSetup& setup, PGconn* connection) {
  const PgResult process = setup.query("SELECT pg_catalog.pg_backend_pid()");
  return process.value(0, 0) != std::to_string(PQbackendPID(connection));
}

PgResult query_self_in_transaction(PgSetup& setup, const std::string& functions,
                                   const std::string& statement_timeout_ms) {
  try {
    setup.query("BEGIN");
    setup.query(local_settings_sql, statement_timeout_ms.c_str());
  } catch (const SetupProblem& caught) {
    throw SetupProblem(SessionProblem::Kind::unfit_pooler, "the pooler in between has no transactions (" +
                                                               caught.problem.message +
                                                               "); set it to transaction or session mode");
  }
  PgResult self = setup.query(self_sql(), functions.c_str());
  setup.query("COMMIT");
  return self;
}

std::vector<PreparedStatement> with_schema(std::vector<PreparedStatement> statements, const std::string& schema) {
  for (PreparedStatement& statement : statements) {
    std::string& sql = statement.sql;
    for (std::size_t at; (at = sql.find(schema_mark)) != std::string::npos;)
      sql.replace(at, schema_mark.size(), schema);
  }
  statements.push_back(check_statement());
  return statements;
}

Session set_up(const SessionSettings& settings) {
  Session session{connect(settings), false, std::nullopt};
  PGconn* connection = session.connection.get();
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  PgSetup setup(connection, std::chrono::steady_clock::now() + settings.setup_timeout);
  const std::string timeout_ms = std::to_string(settings.statement_timeout.count());
  const bool is_pooled = is_behind_pooler(setup, connection);
  if (!is_pooled) setup.query(settings_sql, timeout_ms.c_str());
  const std::string functions = needed_functions(settings.statements);
  const SessionSelf self = check_self(is_pooled ? query_self_in_transaction(setup, functions, timeout_ms)
                                                : setup.query(self_sql(), functions.c_str()));
  session.is_standby = self.is_standby;
  std::vector<PreparedStatement> statements = with_schema(settings.statements, self.schema);
  if (is_pooled) {
    statements.push_back({"settings", local_settings_sql, {SqlType::text}});
    session.unkept = {{"settings", Parameters().add_bytes(timeout_ms)}, std::move(statements)};
  } else {
    for (const PreparedStatement& statement : statements) setup.prepare(statement);
    // A standby cannot listen; is_standby shows it to the caller.
    if (settings.listens && !session.is_standby) setup.query("LISTEN audit_ext_principals");
  }
  if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
    throw SetupProblem(SessionProblem::Kind::unreachable, PQerrorMessage(connection));
  }
  return session;
}

}  // namespace

std::string_view SessionProblem::public_reason() const {
  switch (kind) {
    case Kind::too_mighty: return "The database role may do too much";
    case Kind::wrong_encoding: return "The database's encoding is not UTF8";
    case Kind::unfit_pooler: return "The pooler of the database has no transactions";
    case Kind::unreachable:
    case Kind::not_ready: break;
  }
  return "Database unavailable";
}

void PgConnDeleter::operator()(pg_conn* connection) const { PQfinish(connection); }

std::variant<Session, SessionProblem> open_session(const SessionSettings& settings) {
  try {
    return set_up(settings);
  } catch (SetupProblem& caught) {
    return std::move(caught.problem);
  } catch (const std::exception& error) {
    return SessionProblem{SessionProblem::Kind::unreachable, error.what()};
  }
}

bool is_valid_conninfo(const std::string& conninfo) {
  PQconninfoOption* options = PQconninfoParse(conninfo.c_str(), nullptr);
  PQconninfoFree(options);
  return options != nullptr;
}

}  // namespace audit::httpd
