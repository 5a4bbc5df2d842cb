// Identifies the caller of a request. This is the only place that decides between 401, 403 and going on.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "auth/jwt_verifier.hpp"
#include "auth/principal.hpp"
#include "auth/principal_cache.hpp"
#include "auth/token_issuer.hpp"
#include "db/pg_pool.hpp"
#include "db/principal_listener.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

class Authenticator {
 public:
  using Admitted = std::function<void(const PrincipalPtr&)>;

  explicit Authenticator(PgPool& pool);

  // Forgets the remembered principals. `issuer` null: own tokens are rejected.
  void set_up(TokenIssuerPtr issuer, std::chrono::seconds remember_for);
  const TokenIssuerPtr& issuer() const { return issuer_; }

  // Tokens of an identity provider are rejected until this is called. `on_unknown_key` asks for newer keys.
  void accept_idp(IdentityProvider provider, std::function<void()> on_unknown_key);
  void set_idp_keys(KeySetPtr keys);

  // Calls `admitted` with the principal if it has that access, now or later. Otherwise it responds itself.
  enum class Action { read, write };
  void admit(const ExchangePtr& exchange, Action action, Admitted admitted);

  // The state decides what can be remembered: only what a change would invalidate.
  void principals_changed(PrincipalListener::State state);

  // Of all credentials together.
  PrincipalCache::Use cache_use() const;

 private:
  struct Attempt;  // one credential on its way

  void admit_anybody(const ExchangePtr& exchange, Admitted admitted);
  void admit_bearer(const ExchangePtr& exchange, std::string_view token, Admitted admitted);
  void admit_idp_token(Attempt attempt, const Jwt& jwt);
  void admit_api_key(const ExchangePtr& exchange, Admitted admitted);
  void admit_certificate(const ExchangePtr& exchange, Admitted admitted);
  void ask_database(Attempt attempt, Query query, std::optional<OwnToken> token);
  void conclude(const Attempt& attempt, Principal principal, std::optional<std::int64_t> expires_s);

  PgPool& pool_;
  TokenIssuerPtr issuer_;
  std::chrono::seconds remember_for_{0};
  PrincipalListener::State listener_state_ = PrincipalListener::State::deaf;
  PrincipalCache tokens_;
  PrincipalCache api_keys_;
  PrincipalCache certificates_;  // by name
  std::optional<IdentityProvider> provider_;
  std::function<void()> on_unknown_key_;
  KeySetPtr keys_;
};

}  // namespace audit::httpd
