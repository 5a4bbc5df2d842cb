// Tokens of an identity provider: signature by a key of its JWK set, issuer, audience, times, and what they say of the
// caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/jwt.hpp"
#include "auth/key_set.hpp"
#include "auth/principal.hpp"

namespace audit::httpd {

struct IdentityProvider {
  ClaimRules rules;
  std::vector<std::string> algorithms;
  std::string user_id_claim;              // empty: no token has a user_id
  std::string role_claim;                 // empty: no token chooses a database role
  std::vector<std::string> scope_claims;  // what they hold adds up
};

struct IdpToken {
  Principal principal;
  std::int64_t expires_s = 0;
};

enum class TokenProblem {
  invalid,
  unknown_key,  // also invalid, but newer keys may help
  no_role,      // valid, but without the database role that it must name
};

// `jwt` is what parse_jwt() has made of the token. The principal's name is idp: and the token's `sub`.
std::variant<IdpToken, TokenProblem> verify_idp_token(const Jwt& jwt, const IdentityProvider& provider,
                                                      const KeySet& keys, std::int64_t now_s);

}  // namespace audit::httpd
