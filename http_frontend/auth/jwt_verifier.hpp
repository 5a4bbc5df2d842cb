// Tokens of an identity provider: signature by a key of its JWK set, issuer, audience, times, and what they say of the
// caller. jwt_verifier.cpp is the only file that includes rhonabwy.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/jwt.hpp"
#include "auth/principal.hpp"

namespace audit::httpd {

// The public keys of a JWK set that can verify signatures; symmetric ones and those for encryption are left out.
class KeySet {
 public:
  KeySet();
  ~KeySet();
  KeySet(const KeySet&) = delete;
  KeySet& operator=(const KeySet&) = delete;

  // Null when there is no usable key.
  static std::shared_ptr<const KeySet> from_json(const std::string& json);

  struct Key;
  const std::vector<Key>& keys() const { return keys_; }

 private:
  std::vector<Key> keys_;
};
using KeySetPtr = std::shared_ptr<const KeySet>;

// rhonabwy's own start and end, once in a program.
struct JwtLibrary {
  JwtLibrary();
  ~JwtLibrary();
};

struct IdentityProvider {
  ClaimRules rules;
  std::vector<std::string> algorithms;
  std::string user_id_claim;  // empty: no token has a user_id
  std::string role_claim;     // empty: no token chooses a database role
};

// Whether the name is one of RS256, PS256, ES256 and so on, or EdDSA: never HS or none.
bool is_public_key_algorithm(std::string_view name);

struct IdpToken {
  Principal principal;
  std::int64_t expires_s = 0;
};

enum class TokenProblem {
  invalid,
  unknown_key,  // also invalid, but newer keys may help
  no_role,      // valid, but without the database role that it must name
};

std::variant<IdpToken, TokenProblem> verify_idp_token(std::string_view token, const Jwt& jwt,
                                                      const IdentityProvider& provider, const KeySet& keys,
                                                      std::int64_t now_s);

}  // namespace audit::httpd
