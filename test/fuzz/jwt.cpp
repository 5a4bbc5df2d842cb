// Tokens. The first byte says what the rest is: a whole token, which must not be accepted, since nobody here knows the
// keys; or the claims of one that is signed here, by the service's own key or by an identity provider's.
#include <gnutls/crypto.h>
#include <rhonabwy.h>

#include <string>

#include "auth/jwt_verifier.hpp"
#include "auth/token_issuer.hpp"
#include "fuzz.hpp"

namespace {

using namespace audit::httpd;
using audit::fuzz::require;

constexpr std::int64_t now_s = 1'700'000'000;
const std::string own_secret(32, 's');

// An identity provider with one key of Ed25519, of all the quickest.
class Provider {
 public:
  Provider() {
    r_jwk_init(&private_key_);
    r_jwk_init(&public_key_);
    require(r_jwk_generate_key_pair(private_key_, public_key_, R_KEY_TYPE_EDDSA, 256, "key") == RHN_OK);
    char* json = r_jwk_export_to_json_str(public_key_, 0);
    keys_ = KeySet::from_json(std::string(R"({"keys":[)") + json + "]}");
    r_free(json);
    require(keys_ != nullptr);
  }

  std::string sign(std::string_view claims) const {
    jws_t* jws = nullptr;
    r_jws_init(&jws);
    r_jws_set_alg(jws, R_JWA_ALG_EDDSA);
    r_jws_set_payload(jws, reinterpret_cast<const unsigned char*>(claims.data()), claims.size());
    char* text = r_jws_serialize(jws, private_key_, 0);
    const std::string token = text == nullptr ? "" : text;
    r_free(text);
    r_jws_free(jws);
    return token;
  }

  bool accepts(std::string_view token) const {
    const auto jwt = parse_jwt(token);
    if (!jwt) return false;
    const IdentityProvider rules{{"idp", "api"}, {"EdDSA", "RS256", "ES256"}, "uid", "role"};
    return std::holds_alternative<IdpToken>(verify_idp_token(token, *jwt, rules, *keys_, now_s));
  }

 private:
  JwtLibrary library_;
  jwk_t* private_key_ = nullptr;  // for as long as the fuzzer runs
  jwk_t* public_key_ = nullptr;
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
