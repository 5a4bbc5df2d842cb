#include "auth/authenticator.hpp"

#include <algorithm>
#include <utility>

#include "auth/auth_problem.hpp"
#include "auth/authorization_header.hpp"
#include "auth/principal_query.hpp"
#include "db/query_problem.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t max_remembered = 10'000;
constexpr std::chrono::seconds memory_without_notice{5};  // where a change is only noticed by asking again

std::int64_t unix_time_s() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

struct Authenticator::Attempt {
  ExchangePtr exchange;
  Admitted admitted;
  PrincipalCache* cache;
  Sha256 credential;
  std::uint64_t generation;
};

Authenticator::Authenticator(PgPool& pool)
    : pool_(pool),
      tokens_(max_remembered, std::chrono::seconds(0)),
      api_keys_(max_remembered, std::chrono::seconds(0)),
      certificates_(max_remembered, std::chrono::seconds(0)) {}

void Authenticator::set_up(TokenIssuerPtr issuer, std::chrono::seconds remember_for) {
  issuer_ = std::move(issuer);
  remember_for_ = remember_for;
  principals_changed(listener_state_);
}

void Authenticator::accept_idp(IdentityProvider provider, std::function<void()> on_unknown_key) {
  provider_ = std::move(provider);
  on_unknown_key_ = std::move(on_unknown_key);
}

// A key that is gone must not live on in what was remembered.
void Authenticator::set_idp_keys(KeySetPtr keys) {
  keys_ = std::move(keys);
  tokens_.forget_all();
}

void Authenticator::principals_changed(PrincipalListener::State state) {
  listener_state_ = state;
  std::chrono::seconds lifetime = remember_for_;
  if (state == PrincipalListener::State::asking) lifetime = std::min(lifetime, memory_without_notice);
  if (state == PrincipalListener::State::deaf) lifetime = std::chrono::seconds(0);
  for (PrincipalCache* cache : {&tokens_, &api_keys_, &certificates_}) cache->set_lifetime(lifetime);
}

PrincipalCache::Use Authenticator::cache_use() const {
  PrincipalCache::Use sum;
  for (const PrincipalCache* cache : {&tokens_, &api_keys_, &certificates_}) {
    const PrincipalCache::Use use = cache->use();
    sum = {sum.entries + use.entries, sum.hits + use.hits, sum.misses + use.misses};
  }
  return sum;
}

void Authenticator::admit(const ExchangePtr& exchange, Action action, Admitted admitted) {
  admit_anybody(exchange, [exchange, action, admitted = std::move(admitted)](const PrincipalPtr& principal) {
    RequestRecord& record = exchange->record();
    record.principal = principal;
    record.auth = Clock::now() - record.begun;
    const bool is_writing = action == Action::write;
    if (is_writing ? principal->may_write() : principal->may_read()) return admitted(principal);
    exchange->respond(is_writing ? forbidden_to_write() : forbidden());
  });
}

void Authenticator::admit_anybody(const ExchangePtr& exchange, Admitted admitted) {
  const Request& request = exchange->request();
  if (request.authorization.empty()) {
    if (!request.api_key.empty()) return admit_api_key(exchange, std::move(admitted));
    if (request.client_certificate != nullptr) return admit_certificate(exchange, std::move(admitted));
    return exchange->respond(unauthenticated());
  }
  const std::optional<std::string_view> token = bearer_token(request.authorization);
  if (!token) return exchange->respond(unauthenticated());
  admit_bearer(exchange, *token, std::move(admitted));
}

void Authenticator::admit_bearer(const ExchangePtr& exchange, std::string_view token, Admitted admitted) {
  const Sha256 credential = sha256(token);
  if (const PrincipalPtr known = tokens_.find(credential, Clock::now())) return admitted(known);
  const std::optional<Jwt> jwt = parse_jwt(token);
  if (!jwt) return exchange->respond(invalid_credential());
  Attempt attempt{exchange, std::move(admitted), &tokens_, credential, tokens_.generation()};
  // The algorithm decides who must have signed it, so neither side's key ever meets the other's tokens.
  if (jwt->algorithm() != "HS256") return admit_idp_token(std::move(attempt), *jwt);
  const std::optional<OwnToken> own = !issuer_ ? std::nullopt : issuer_->verify(*jwt, unix_time_s());
  if (!own) return exchange->respond(invalid_credential());
  ask_database(std::move(attempt), token_query(own->username, own->epoch), own);
}

void Authenticator::admit_idp_token(Attempt attempt, const Jwt& jwt) {
  if (!provider_) return attempt.exchange->respond(invalid_credential());
  if (!keys_)
    return attempt.exchange->respond(
        unavailable_problem("The identity provider's keys are not there yet", "no_provider_keys"));
  auto verdict = verify_idp_token(jwt, *provider_, *keys_, unix_time_s());
  if (auto* token = std::get_if<IdpToken>(&verdict)) {
    return conclude(attempt, std::move(token->principal), token->expires_s + provider_->rules.leeway_s);
  }
  const auto problem = std::get<TokenProblem>(verdict);
  if (problem == TokenProblem::unknown_key) on_unknown_key_();
  attempt.exchange->respond(problem == TokenProblem::no_role ? forbidden() : invalid_credential());
}

void Authenticator::admit_api_key(const ExchangePtr& exchange, Admitted admitted) {
  const Sha256 credential = sha256(exchange->request().api_key);
  if (const PrincipalPtr known = api_keys_.find(credential, Clock::now())) {
    return admitted(known);
  }
  ask_database({exchange, std::move(admitted), &api_keys_, credential, api_keys_.generation()},
               api_key_query(credential), std::nullopt);
}

// A connection may outlive the certificate that it began with.
void Authenticator::admit_certificate(const ExchangePtr& exchange, Admitted admitted) {
  const ClientCertificate& certificate = *exchange->request().client_certificate;
  if (certificate.name.empty() || certificate.expires_s <= unix_time_s()) {
    return exchange->respond(invalid_credential());
  }
  const Sha256 credential = sha256(certificate.name);
  if (const PrincipalPtr known = certificates_.find(credential, Clock::now())) {
    return admitted(known);
  }
  ask_database({exchange, std::move(admitted), &certificates_, credential, certificates_.generation()},
               certificate_query(certificate.name), std::nullopt);
}

void Authenticator::ask_database(Attempt attempt, Query query, std::optional<OwnToken> token) {
  pool_.run(std::move(query), Lane::normal, nullptr,
            [this, attempt = std::move(attempt), token = std::move(token)](QueryOutcome outcome) {
              const ExchangePtr& exchange = attempt.exchange;
              if (const auto* failure = std::get_if<QueryFailure>(&outcome)) {
                return exchange->respond(query_problem(*failure, exchange->request()));
              }
              std::optional<FoundPrincipal> found = found_principal(std::get<PgResult>(outcome));
              if (!found) return exchange->respond(invalid_credential());
              std::optional<std::int64_t> expires_s = found->extra;
              if (token) {
                found->principal.scopes = found->principal.scopes.narrowed_to(token->scopes);
                expires_s = token->expires_s;
              }
              conclude(attempt, std::move(found->principal), expires_s);
            });
}

void Authenticator::conclude(const Attempt& attempt, Principal principal, std::optional<std::int64_t> expires_s) {
  const auto known = std::make_shared<const Principal>(std::move(principal));
  const Clock::time_point now = Clock::now();
  Clock::time_point expires_at =
      expires_s ? now + std::chrono::seconds(*expires_s - unix_time_s()) : Clock::time_point::max();
  // The notice of a change may be here before the change is on the standby that was asked.
  if (pool_.has_standby()) expires_at = std::min(expires_at, now + memory_without_notice);
  attempt.cache->remember(attempt.credential, known, attempt.generation, now, expires_at);
  attempt.admitted(known);
}

}  // namespace audit::httpd
