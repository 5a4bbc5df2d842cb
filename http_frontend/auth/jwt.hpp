// JSON Web Tokens in their compact form (RFC 7519): taken apart, and the claims that every token must have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_value.hpp"

namespace audit::httpd {

// A token that is not verified yet.
struct Jwt {
  JsonPtr header;
  JsonPtr claims;
  std::string_view signed_part;  // header and claims as sent
  std::string signature;         // bytes

  std::string_view algorithm() const { return text_member(*header, "alg"); }
};

// Nothing unless `token` is three parts of canonical base64url. The first two are JSON objects without repeated
// members. A header with `crit` is rejected too: it names extensions that must be understood, and none is.
std::optional<Jwt> parse_jwt(std::string_view token);

std::string base64url_text(std::string_view bytes);

// The bytes of canonical base64url; nothing if it is not that.
std::optional<std::string> base64url_bytes(std::string_view text);

// The required issuer and audience of a token.
struct ClaimRules {
  std::string issuer;
  std::string audience;
  std::int64_t leeway_s = 10;  // for clocks that differ
};

// `iss`, `aud`, `exp` must be there and hold, `nbf` if it is there. Seconds since 1970.
bool claims_hold(const json_t& claims, const ClaimRules& rules, std::int64_t now_s);

// REQUIRES: claims_hold().
std::int64_t expiry_s(const json_t& claims);

}  // namespace audit::httpd
