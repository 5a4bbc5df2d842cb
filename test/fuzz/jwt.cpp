// Tokens. The first byte says what the rest is. It may be a whole token, which must not be accepted, since its keys are
// unknown here. Or it is the claims of one that is signed here, by the service's own key or by an identity provider's.
#include <gnutls/crypto.h>

#include <string>
#include <vector>

#include "auth/jwt_verifier.hpp"
#include "auth/token_issuer.hpp"
#include "fuzz.hpp"
#include "signing_key.hpp"

namespace {

using namespace audit::httpd;
using audit::fuzz::require;

constexpr std::int64_t now_s = 1'700'000'000;
const std::string own_secret(32, 's');

// An identity provider with one key of Ed25519, of all the quickest.
class Provider {
 public:
  Provider() {
    std::vector<std::string> left_out;
    keys_ = KeySet::from_json(R"({"keys":[)" + key_.json() + "]}", left_out);
    require(keys_ != nullptr);
  }

  std::string sign(std::string_view claims) const { return key_.sign("EdDSA", claims, nullptr); }

  bool accepts(std::string_view token) const {
    const auto jwt = parse_jwt(token);
    if (!jwt) return false;
    const IdentityProvider rules{
        {"idp", "api"}, {"EdDSA", "RS256", "ES256"}, "uid", "role", {"scope", "scp", "/realm_access/roles/0"}};
    return std::holds_alternative<IdpToken>(verify_idp_token(*jwt, rules, *keys_, now_s));
  }

 private:
  SigningKey key_ = SigningKey::ed25519("key");
  KeySetPtr keys_;
};

std::string sign_own(std::string_view claims) {
  std::string token = base64url_text(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url_text(claims);
  std::string mac(32, '\0');
  gnutls_hmac_fast(GNUTLS_MAC_SHA256, own_secret.data(), own_secret.size(), token.data(), token.size(), mac.data());
  return token + "." + base64url_text(mac);
}

bool is_own(std::string_view token) {
  static const TokenIssuer issuer(own_secret, {"audit_httpd", "audit_ext"}, std::chrono::seconds(3600));
  const auto jwt = parse_jwt(token);
  return jwt && issuer.verify(*jwt, now_s).has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Provider provider;
  const std::string_view input = audit::fuzz::as_text(data, size);
  if (input.empty()) return 0;
  const std::string_view rest = input.substr(1);
  switch (input[0]) {
    case 'o': is_own(sign_own(rest)); break;
    case 'i': provider.accepts(provider.sign(rest)); break;
    default: require(!is_own(rest) && !provider.accepts(rest));
  }
  return 0;
}
