// The service's own tokens (HS256): issued after a password, and recognized again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/jwt.hpp"
#include "auth/scopes.hpp"

namespace audit::httpd {

struct OwnToken {
  std::string username;
  std::int32_t epoch = 0;  // the user's when it was issued: a higher one means that it was revoked
  Scopes scopes;
  std::int64_t expires_s = 0;
};

class TokenIssuer {
 public:
  TokenIssuer(std::string secret, ClaimRules rules, std::chrono::seconds lifetime)
      : secret_(std::move(secret)), rules_(std::move(rules)), lifetime_(lifetime) {}

  std::chrono::seconds lifetime() const { return lifetime_; }
  std::string issue(std::string_view username, std::int32_t epoch, const Scopes& scopes, std::int64_t now_s) const;

  // Nothing unless we signed it and it holds. Whether the user still exists is for the database to say.
  std::optional<OwnToken> verify(const Jwt& jwt, std::int64_t now_s) const;

 private:
  std::string secret_;
  ClaimRules rules_;
  std::chrono::seconds lifetime_;
};

using TokenIssuerPtr = std::shared_ptr<const TokenIssuer>;

}  // namespace audit::httpd
