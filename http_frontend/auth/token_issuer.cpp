#include "auth/token_issuer.hpp"

#include <gnutls/crypto.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include "auth/sha256.hpp"

namespace audit::httpd {
namespace {

std::string random_id() {
  std::array<char, 16> bytes;
  if (gnutls_rnd(GNUTLS_RND_NONCE, bytes.data(), bytes.size()) != 0) throw std::runtime_error("no random bytes");
  return base64url_text({bytes.data(), bytes.size()});
}

std::string_view as_text(const Sha256& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

}  // namespace

std::string TokenIssuer::issue(std::string_view username, std::int32_t epoch, const Scopes& scopes,
                               std::int64_t now_s) const {
  const JsonPtr claims(json_pack("{s:s,s:s,s:s%,s:I,s:I,s:I,s:s,s:i,s:s}", "iss", rules_.issuer.c_str(), "aud",
                                 rules_.audience.c_str(), "sub", username.data(), username.size(), "iat",
                                 static_cast<json_int_t>(now_s), "nbf", static_cast<json_int_t>(now_s), "exp",
                                 static_cast<json_int_t>(now_s + lifetime_.count()), "scope", scopes.text().c_str(),
                                 "epoch", static_cast<int>(epoch), "jti", random_id().c_str()));
  if (!claims) throw std::runtime_error("cannot write the claims of a token");
  std::string token = base64url_text(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url_text(dump_json(*claims));
  return token + "." + base64url_text(as_text(hmac_sha256(secret_, token)));
}

// The algorithm is pinned here, and this key is used for no other.
std::optional<OwnToken> TokenIssuer::verify(const Jwt& jwt, std::int64_t now_s) const {
  Sha256 signature;
  if (jwt.algorithm() != "HS256" || jwt.signature.size() != signature.size()) return std::nullopt;
  std::copy(jwt.signature.begin(), jwt.signature.end(), signature.begin());
  if (!equals_in_constant_time(signature, hmac_sha256(secret_, jwt.signed_part))) return std::nullopt;
  if (!claims_hold(*jwt.claims, rules_, now_s)) return std::nullopt;

  const json_t* epoch = json_object_get(jwt.claims.get(), "epoch");
  const json_int_t number = json_is_integer(epoch) ? json_integer_value(epoch) : -1;
  const std::string_view username = text_member(*jwt.claims, "sub");
  if (username.empty() || number < 0 || number > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return OwnToken{std::string(username), static_cast<std::int32_t>(number),
                  Scopes::parse_known(text_member(*jwt.claims, "scope")), expiry_s(*jwt.claims)};
}

}  // namespace audit::httpd
