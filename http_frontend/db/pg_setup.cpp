#include "db/pg_setup.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace audit::httpd {
namespace {

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

}  // namespace

SetupProblem::SetupProblem(SessionProblem::Kind kind, std::string message)
    : problem{kind, one_line(std::move(message))} {}

PgResult PgSetup::query(const char* sql, const char* parameter) {
  const std::array<const char*, 1> values{parameter};
  check(PQsendQueryParams(connection_, sql, parameter == nullptr ? 0 : 1, nullptr, values.data(), nullptr, nullptr, 0));
  return last_result();
}

void PgSetup::prepare(const PreparedStatement& statement) {
  std::vector<Oid> types;
  for (const SqlType type : statement.parameters) types.push_back(static_cast<Oid>(type));
  check(
      PQsendPrepare(connection_, statement.name, statement.sql.c_str(), static_cast<int>(types.size()), types.data()));
  last_result();
}

void PgSetup::check(int ok) const {
  if (ok == 0) throw SetupProblem(SessionProblem::Kind::unreachable, PQerrorMessage(connection_));
}

PgResult PgSetup::last_result() {
  using ResultPtr = std::unique_ptr<PGresult, void (*)(PGresult*)>;
  ResultPtr last(nullptr, PQclear);
  for (;;) {
    while (PQisBusy(connection_) != 0) wait();
    ResultPtr next(PQgetResult(connection_), PQclear);
    if (!next) break;
    last = std::move(next);
  }
  const ExecStatusType status = PQresultStatus(last.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return PgResult(last.release());
  const bool is_lost = PQstatus(connection_) != CONNECTION_OK;
  const char* message = PQresultErrorField(last.get(), PG_DIAG_MESSAGE_PRIMARY);
  throw SetupProblem(is_lost ? SessionProblem::Kind::unreachable : SessionProblem::Kind::not_ready,
                     message == nullptr ? PQerrorMessage(connection_) : message);
}

void PgSetup::wait() {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  pollfd readable{PQsocket(connection_), POLLIN, 0};
  if (left.count() <= 0 || poll(&readable, 1, static_cast<int>(left.count())) == 0) {
    throw SetupProblem(SessionProblem::Kind::unreachable, "the server does not answer");
  }
  check(PQconsumeInput(connection_));
}

}  // namespace audit::httpd
