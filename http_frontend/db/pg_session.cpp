#include "db/pg_session.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/version.hpp"

namespace audit::httpd {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

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

// Why the role is too mighty; null: it is not. A member of a mightier role counts as that role, since it can become it.
const std::string mighty_sql =
    "CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles"
    " WHERE rolsuper AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER')) THEN 'is a superuser'"
    " WHEN me.rolbypassrls THEN 'has BYPASSRLS' WHEN me.rolcreaterole THEN 'has CREATEROLE'"
    " WHEN me.rolreplication THEN 'has REPLICATION'"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname IN ('pg_execute_server_program',"
    " 'pg_write_server_files', 'pg_read_server_files') AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER'))"
    " THEN 'may use files or programs of the server'"
    " WHEN pg_catalog.pg_has_role(session_user, e.extowner, 'MEMBER') THEN 'owns the extension audit_ext' END";

const std::string self_from_sql =
    " FROM pg_catalog.pg_roles me"
    " LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'audit_ext'"
    " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
    " WHERE me.rolname = session_user";

// One row. It has whether the role has too many rights, the extension's schema (null: there is none), and whether the
// server is a standby. It has the role and the database. It has whether the role may use all functions for front ends,
// the extension's version, and the database's encoding.
const std::string self_sql =
    "SELECT " + mighty_sql +
    ", pg_catalog.quote_ident(n.nspname), pg_catalog.pg_is_in_recovery(), me.rolname, pg_catalog.current_database(),"
    " pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p"
    " WHERE p.pronamespace = n.oid AND p.proname IN ('audit_list_json', 'audit_get_json', 'audit_password_salt',"
    " 'audit_authenticate_proof', 'audit_authenticate_token', 'audit_authenticate_api_key', "
    "'audit_authenticate_certificate',"
    " 'audit_read_status')"
    " AND NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE')),"
    " e.extversion, pg_catalog.getdatabaseencoding()" +
    self_from_sql;

const std::string check_sql = "SELECT pg_catalog.pg_is_in_recovery(), " + mighty_sql + self_from_sql;

// Of "1.10": {1, 10}.
std::pair<int, int> version_numbers(std::string_view text) {
  std::pair<int, int> numbers{0, 0};
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, numbers.first);
  if (dot != end) std::from_chars(dot + 1, end, numbers.second);
  return numbers;
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

class Problem {
 public:
  Problem(SessionProblem::Kind kind, std::string message) : problem{kind, one_line(std::move(message))} {}
  SessionProblem problem;
};

// The connection while it is set up: each call waits, but never past the deadline.
class Setup {
 public:
  Setup(PGconn* connection, SteadyTime deadline) : connection_(connection), deadline_(deadline) {}

  ResultPtr query(const char* sql, const char* parameter) {
    const std::array<const char*, 1> values{parameter};
    check(
        PQsendQueryParams(connection_, sql, parameter == nullptr ? 0 : 1, nullptr, values.data(), nullptr, nullptr, 0));
    return last_result();
  }

  void prepare(const PreparedStatement& statement) {
    std::vector<Oid> types;
    for (const SqlType type : statement.parameters) types.push_back(static_cast<Oid>(type));
    check(PQsendPrepare(connection_, statement.name, statement.sql.c_str(), static_cast<int>(types.size()),
                        types.data()));
    last_result();
  }

 private:
  void check(int ok) const {
    if (ok == 0) throw Problem(SessionProblem::Kind::unreachable, PQerrorMessage(connection_));
  }

  ResultPtr last_result() {
    ResultPtr last;
    for (;;) {
      while (PQisBusy(connection_) != 0) wait();
      ResultPtr next(PQgetResult(connection_));
      if (!next) break;
      last = std::move(next);
    }
    const ExecStatusType status = PQresultStatus(last.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return last;
    const bool is_lost = PQstatus(connection_) != CONNECTION_OK;
    const char* message = PQresultErrorField(last.get(), PG_DIAG_MESSAGE_PRIMARY);
    throw Problem(is_lost ? SessionProblem::Kind::unreachable : SessionProblem::Kind::not_ready,
                  message == nullptr ? PQerrorMessage(connection_) : message);
  }

  void wait() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    pollfd readable{PQsocket(connection_), POLLIN, 0};
    if (left.count() <= 0 || poll(&readable, 1, static_cast<int>(left.count())) == 0) {
      throw Problem(SessionProblem::Kind::unreachable, "the server does not answer");
    }
    check(PQconsumeInput(connection_));
  }

  PGconn* connection_;
  SteadyTime deadline_;
};

PgConnPtr connect(const SessionSettings& settings) {
  // In this order: what the connection string says comes after, and so counts more than, our connect_timeout. No
  // application_name here: a pooler would give it to the session of the server, and leave it there.
  const std::string timeout_s = std::to_string(std::max<std::int64_t>(2, settings.setup_timeout.count() / 1000));
  const std::array<const char*, 4> keys{"connect_timeout", "dbname", "client_encoding", nullptr};
  const std::array<const char*, 4> values{timeout_s.c_str(), settings.conninfo.c_str(), "UTF8", nullptr};
  PgConnPtr connection(PQconnectdbParams(keys.data(), values.data(), 1));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw Problem(SessionProblem::Kind::unreachable, connection ? PQerrorMessage(connection.get()) : "out of memory");
  }
  return connection;
}

// The server's process is not the one that it reported when the connection began. The pooler's mode cannot be seen from
// here: a session that stays the same for a while may still change.
bool is_behind_pooler(Setup& setup, PGconn* connection) {
  const ResultPtr process = setup.query("SELECT pg_catalog.pg_backend_pid()", nullptr);
  return PQgetvalue(process.get(), 0, 0) != std::to_string(PQbackendPID(connection));
}

ResultPtr query_self_in_transaction(Setup& setup, const std::string& statement_timeout_ms) {
  try {
    setup.query("BEGIN", nullptr);
    setup.query(local_settings_sql, statement_timeout_ms.c_str());
  } catch (const Problem& caught) {
    throw Problem(SessionProblem::Kind::unfit_pooler, "the pooler in between has no transactions (" +
                                                          caught.problem.message +
                                                          "); set it to transaction or session mode");
  }
  ResultPtr self = setup.query(self_sql.c_str(), nullptr);
  setup.query("COMMIT", nullptr);
  return self;
}

void refuse_mighty_role(const PGresult* self) {
  if (PQgetisnull(self, 0, 0) != 0) return;
  throw Problem(SessionProblem::Kind::too_mighty, std::string("the database role \"") + PQgetvalue(self, 0, 3) + "\" " +
                                                      PQgetvalue(self, 0, 0) +
                                                      "; use a role that has nothing but audit_grant_frontend()");
}

// What callers send is UTF-8, and has characters that others lack.
void refuse_other_encoding(const PGresult* self) {
  const std::string found = PQgetvalue(self, 0, 7);
  if (found == "UTF8") return;
  throw Problem(SessionProblem::Kind::wrong_encoding, std::string("the database \"") + PQgetvalue(self, 0, 4) +
                                                          "\" has the encoding " + found +
                                                          ", but the daemon needs UTF8; dump it into a database made "
                                                          "with ENCODING 'UTF8' TEMPLATE template0");
}

std::string extension_schema(const PGresult* self) {
  if (PQgetisnull(self, 0, 1) == 0) return PQgetvalue(self, 0, 1);
  throw Problem(SessionProblem::Kind::not_ready, std::string("the database \"") + PQgetvalue(self, 0, 4) +
                                                     "\" has no extension audit_ext; run CREATE EXTENSION audit_ext");
}

// The daemon calls what its own version of the extension has; later ones of the same major version have it too.
bool fits(std::string_view extension_version) {
  const auto [major, minor] = version_numbers(extension_version);
  const auto [own_major, own_minor] = version_numbers(version);
  return major == own_major && minor >= own_minor;
}

void refuse_other_version(const PGresult* self) {
  const std::string found = PQgetvalue(self, 0, 6);
  if (fits(found)) return;
  throw Problem(SessionProblem::Kind::not_ready, "the extension audit_ext is of version " + found +
                                                     ", but this daemon is of " + version +
                                                     "; run ALTER EXTENSION audit_ext UPDATE, or another daemon");
}

void refuse_missing_grants(const PGresult* self) {
  if (*PQgetvalue(self, 0, 5) == 't') return;
  throw Problem(SessionProblem::Kind::not_ready, std::string("the database role \"") + PQgetvalue(self, 0, 3) +
                                                     "\" lacks rights; run SELECT audit_grant_frontend('" +
                                                     PQgetvalue(self, 0, 3) + "')");
}

std::vector<PreparedStatement> with_schema(std::vector<PreparedStatement> statements, const std::string& schema) {
  constexpr std::string_view mark = "@schema@";
  for (PreparedStatement& statement : statements) {
    std::string& sql = statement.sql;
    for (std::size_t at; (at = sql.find(mark)) != std::string::npos;) sql.replace(at, mark.size(), schema);
  }
  statements.push_back({"check", check_sql, {}});
  return statements;
}

Session set_up(const SessionSettings& settings) {
  Session session{connect(settings), false, std::nullopt};
  PGconn* connection = session.connection.get();
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  Setup setup(connection, std::chrono::steady_clock::now() + settings.setup_timeout);
  const std::string timeout_ms = std::to_string(settings.statement_timeout.count());
  const bool is_pooled = is_behind_pooler(setup, connection);
  if (!is_pooled) setup.query(settings_sql, timeout_ms.c_str());
  const ResultPtr self =
      is_pooled ? query_self_in_transaction(setup, timeout_ms) : setup.query(self_sql.c_str(), nullptr);
  refuse_mighty_role(self.get());
  refuse_other_encoding(self.get());
  const std::string schema = extension_schema(self.get());
  refuse_other_version(self.get());
  refuse_missing_grants(self.get());
  session.is_standby = *PQgetvalue(self.get(), 0, 2) == 't';
  std::vector<PreparedStatement> statements = with_schema(settings.statements, schema);
  if (is_pooled) {
    statements.push_back({"settings", local_settings_sql, {SqlType::text}});
    session.unkept = {{"settings", Parameters().add_bytes(timeout_ms)}, std::move(statements)};
  } else {
    for (const PreparedStatement& statement : statements) setup.prepare(statement);
    // A standby cannot listen; is_standby shows it to the caller.
    if (settings.listens && !session.is_standby) setup.query("LISTEN audit_ext_principals", nullptr);
  }
  if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
    throw Problem(SessionProblem::Kind::unreachable, PQerrorMessage(connection));
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
  } catch (Problem& caught) {
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
