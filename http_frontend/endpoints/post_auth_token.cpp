// POST /v1/auth/token: a token for a name and a password (OAuth2's password grant, RFC 6749, 4.3).
#include <jansson.h>

#include <chrono>
#include <memory>
#include <utility>

#include "auth/principal_query.hpp"
#include "auth/token_issuer.hpp"
#include "base/json_value.hpp"
#include "db/query_problem.hpp"
#include "endpoints/endpoint.hpp"
#include "endpoints/password_grant.hpp"
#include "http/content_encoding.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

Response too_many_attempts(std::chrono::seconds wait) {
  Response response = oauth_problem(429, "invalid_request", "Too many failed logins; try again later");
  response.headers.push_back({"Retry-After", std::to_string(wait.count())});
  response.rejection = "too_many_logins";
  return response;
}

Response token_response(const TokenIssuer& issuer, const FoundPrincipal& found, const PasswordGrant& grant) {
  const Scopes owned = found.principal.scopes;
  const Scopes granted = grant.scopes ? owned.narrowed_to(*grant.scopes) : owned;
  if (grant.scopes && granted.are_none()) {
    return oauth_problem(400, "invalid_scope", "The user has none of the requested scopes");
  }
  const std::int64_t now_s = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const std::string token =
      issuer.issue(grant.username, static_cast<std::int32_t>(found.extra.value_or(0)), granted, now_s);
  const JsonPtr json(json_pack("{s:s,s:s,s:I,s:s}", "access_token", token.c_str(), "token_type", "bearer", "expires_in",
                               static_cast<json_int_t>(issuer.lifetime().count()), "scope", granted.text().c_str()));
  return {200,
          {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"Pragma", "no-cache"}},
          Body(dump_json(*json))};
}

// One log-in on its way: the salt from the database, the proof, and whether it is right.
struct Login {
  ExchangePtr exchange;
  PgPool& pool;
  PasswordProver& prover;
  LoginThrottle& throttle;
  TokenIssuerPtr issuer;
  PasswordGrant grant;
};
using LoginPtr = std::shared_ptr<Login>;

// Neither right nor wrong.
void give_up(const Login& login, Response response) {
  login.throttle.undecided(login.grant.username, login.exchange->request().client_group.text());
  login.exchange->respond(std::move(response));
}

void conclude(const Login& login, const PgResult& result) {
  const std::optional<FoundPrincipal> found = found_principal(result);
  if (!found) {
    return login.exchange->respond(oauth_problem(400, "invalid_grant", "Incorrect username or password"));
  }
  login.throttle.succeeded(login.grant.username, login.exchange->request().client_group.text());
  login.exchange->respond(token_response(*login.issuer, *found, login.grant));
}

// Calls `done` with what the database answers.
template <typename Done>
void ask(const LoginPtr& login, Query query, RequestRecordPtr record, Done done) {
  login->pool.run(std::move(query), Lane::password, std::move(record), [login, done](QueryOutcome outcome) {
    if (const auto* failure = std::get_if<QueryFailure>(&outcome)) {
      return give_up(*login, query_problem(*failure, login->exchange->request()));
    }
    done(std::get<PgResult>(outcome));
  });
}

void prove(const LoginPtr& login, const PgResult& salt) {
  login->prover.prove(std::exchange(login->grant.password, {}), std::string(salt.value(0, 0).value_or("")),
                      [login](std::optional<Sha256> proof) {
                        if (!proof) {
                          return give_up(*login, unavailable_problem("Too many requests are waiting", "overloaded"));
                        }
                        ask(login, password_proof_query(login->grant.username, *proof), record_of(login->exchange),
                            [login](const PgResult& result) { conclude(*login, result); });
                      });
}

void handle(const Call& call) {
  const TokenIssuerPtr& issuer = call.services.authenticator.issuer();
  if (!issuer) return call.exchange->respond(problem(404, "Not Found"));
  const Request& request = call.request();
  if (content_coding(request.content_encoding) != ContentCoding::identity) {
    return call.exchange->respond(unsupported_coding("identity"));
  }
  auto parsed = parse_password_grant(request.content_type, request.body);
  if (const auto* wrong = std::get_if<GrantProblem>(&parsed)) {
    return call.exchange->respond(oauth_problem(400, wrong->error, wrong->description));
  }
  auto& grant = std::get<PasswordGrant>(parsed);
  LoginThrottle& throttle = call.services.throttle;
  if (const auto wait = throttle.begin(grant.username, request.client_group.text(), Clock::now())) {
    return call.exchange->respond(too_many_attempts(*wait));
  }
  Query query = password_salt_query(grant.username);
  const auto login = std::make_shared<Login>(
      Login{call.exchange, call.services.pool, call.services.prover, throttle, issuer, std::move(grant)});
  ask(login, std::move(query), nullptr, [login](const PgResult& salt) { prove(login, salt); });
}

}  // namespace

// Where the daemon issues no tokens, nothing is found here.
Endpoint post_auth_token() {
  return {.method = "POST", .path = "/v1/auth/token", .access = Access::anonymous, .handle = handle};
}

}  // namespace audit::httpd
