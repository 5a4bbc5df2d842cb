// POST /v1/auth/token: a token for a name and a password (OAuth2's password grant, RFC 6749, 4.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "auth/login_throttle.hpp"
#include "auth/password_prover.hpp"
#include "auth/token_issuer.hpp"
#include "db/pg_pool.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

// `issuer` null: there are no own tokens, and nothing is found here.
void handle_post_auth_token(const ExchangePtr& exchange, PgPool& pool, PasswordProver& prover, LoginThrottle& throttle,
                            const TokenIssuerPtr& issuer);

struct PasswordGrant {
  std::string username;
  std::string password;
  std::optional<Scopes> scopes;  // nothing: all that the user has
};

struct GrantProblem {
  std::string_view error;  // of RFC 6749, 5.2
  std::string_view description;
};

std::variant<PasswordGrant, GrantProblem> parse_password_grant(std::string_view content_type, std::string_view body);

}  // namespace audit::httpd
