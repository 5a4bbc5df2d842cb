// Tokens of an identity provider, signed here with keys made here.
#include "auth/jwt_verifier.hpp"

#include <gtest/gtest.h>
#include <rhonabwy.h>

#include "auth/sha256.hpp"

namespace audit::httpd {
namespace {

constexpr std::int64_t now_s = 1'700'000'000;
const char* const good_claims =
    R"({"iss":"idp","aud":["api"],"sub":"ann","exp":1700000060,"scope":"audit:read","uid":42,"role":"reader"})";

// A pair of keys and the JWK set that publishes it.
class KeyPair {
 public:
  KeyPair(int type, unsigned bits, const char* id) {
    r_jwk_init(&private_key_);
    r_jwk_init(&public_key_);
    EXPECT_EQ(r_jwk_generate_key_pair(private_key_, public_key_, type, bits, id), RHN_OK);
  }
  ~KeyPair() {
    r_jwk_free(private_key_);
    r_jwk_free(public_key_);
  }

  std::string json() const {
    char* text = r_jwk_export_to_json_str(public_key_, 0);
    const std::string json = text;
    r_free(text);
    return json;
  }

  std::string sign(jwa_alg algorithm, const std::string& claims, const char* key_id) const {
    jws_t* jws = nullptr;
    r_jws_init(&jws);
    r_jws_set_alg(jws, algorithm);
    if (key_id != nullptr) r_jws_set_header_str_value(jws, "kid", key_id);
    r_jws_set_payload(jws, reinterpret_cast<const unsigned char*>(claims.data()), claims.size());
    char* text = r_jws_serialize(jws, private_key_, 0);
    const std::string token = text == nullptr ? "" : text;
    r_free(text);
    r_jws_free(jws);
    return token;
  }

 private:
  jwk_t* private_key_ = nullptr;
  jwk_t* public_key_ = nullptr;
};

class JwtVerifierTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    library = new JwtLibrary;
    rsa = new KeyPair(R_KEY_TYPE_RSA, 2048, "rsa");
    ec = new KeyPair(R_KEY_TYPE_EC, 256, "ec");
    ed = new KeyPair(R_KEY_TYPE_EDDSA, 256, "ed");
  }
  static void TearDownTestSuite() {
    delete rsa;
    delete ec;
    delete ed;
    delete library;
  }

  // "ok", or the problem.
  std::string verify(const std::string& token, std::int64_t at_s = now_s) {
    const std::optional<Jwt> jwt = parse_jwt(token);
    if (!jwt) return "no token";
    auto verdict = verify_idp_token(token, *jwt, provider, *keys, at_s);
    if (auto* good = std::get_if<IdpToken>(&verdict)) {
      last = std::move(good->principal);
      return "ok";
    }
    switch (std::get<TokenProblem>(verdict)) {
      case TokenProblem::invalid: return "invalid";
      case TokenProblem::unknown_key: return "unknown key";
      case TokenProblem::no_role: return "no role";
    }
    return "";
  }

  static JwtLibrary* library;
  static KeyPair* rsa;
  static KeyPair* ec;
  static KeyPair* ed;
  IdentityProvider provider{{"idp", "api"}, {"RS256", "PS256", "ES256", "EdDSA"}, "uid", ""};
  KeySetPtr keys = KeySet::from_json(R"({"keys":[)" + rsa->json() + "," + ec->json() + "," + ed->json() + "]}");
  Principal last;
};

JwtLibrary* JwtVerifierTest::library;
KeyPair* JwtVerifierTest::rsa;
KeyPair* JwtVerifierTest::ec;
KeyPair* JwtVerifierTest::ed;

TEST_F(JwtVerifierTest, EachKindOfKey) {
  EXPECT_EQ(verify(rsa->sign(R_JWA_ALG_RS256, good_claims, "rsa")), "ok");
  EXPECT_EQ(verify(rsa->sign(R_JWA_ALG_PS256, good_claims, "rsa")), "ok");
  EXPECT_EQ(verify(ec->sign(R_JWA_ALG_ES256, good_claims, "ec")), "ok");
  EXPECT_EQ(verify(ed->sign(R_JWA_ALG_EDDSA, good_claims, "ed")), "ok");
  EXPECT_EQ(verify(ec->sign(R_JWA_ALG_ES256, good_claims, nullptr)), "ok");
  EXPECT_EQ(last.name, "ann");
  EXPECT_EQ(last.user_id, 42);
  EXPECT_TRUE(last.scopes.read);
  EXPECT_FALSE(last.db_role);
}

TEST_F(JwtVerifierTest, AlgorithmsThatAreNotAllowed) {
  EXPECT_EQ(verify(rsa->sign(R_JWA_ALG_RS512, good_claims, "rsa")), "invalid");
  const std::string text = base64url_text(R"({"alg":"HS256","kid":"rsa"})") + "." + base64url_text(good_claims);
  const Sha256 hash = hmac_sha256(rsa->json(), text);
  EXPECT_EQ(verify(text + "." + base64url_text({reinterpret_cast<const char*>(hash.data()), hash.size()})), "invalid");
  EXPECT_EQ(verify(base64url_text(R"({"alg":"none"})") + "." + base64url_text(good_claims) + "."), "invalid");
}

TEST_F(JwtVerifierTest, KeysThatAreNotTheProviders) {
  const KeyPair other(R_KEY_TYPE_EC, 256, "ec");
  EXPECT_EQ(verify(other.sign(R_JWA_ALG_ES256, good_claims, "ec")), "invalid");
  EXPECT_EQ(verify(other.sign(R_JWA_ALG_ES256, good_claims, "new")), "unknown key");
  EXPECT_EQ(verify(ec->sign(R_JWA_ALG_ES256, good_claims, "rsa")), "unknown key");
}

TEST_F(JwtVerifierTest, ChangedSignatures) {
  const std::string token = ec->sign(R_JWA_ALG_ES256, good_claims, "ec");
  for (std::size_t i = token.rfind('.') + 1; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (changed != token) {
      EXPECT_NE(verify(changed), "ok") << i;
    }
  }
  EXPECT_NE(verify(token.substr(0, token.rfind('.') + 1)), "ok");
}

TEST_F(JwtVerifierTest, Times) {
  const std::string token = ec->sign(R_JWA_ALG_ES256, good_claims, "ec");
  EXPECT_EQ(verify(token, now_s + 69), "ok");  // within the leeway
  EXPECT_EQ(verify(token, now_s + 70), "invalid");
}

TEST_F(JwtVerifierTest, ScopesAndIds) {
  const auto scopes = [&](const std::string& claim) {
    EXPECT_EQ(verify(ec->sign(R_JWA_ALG_ES256, R"({"iss":"idp","aud":"api","sub":"a","exp":1700000060,)" + claim + "}",
                              "ec")),
              "ok");
    return last.scopes.text();
  };
  EXPECT_EQ(scopes(R"("scp":["x","audit:read:self"],"uid":"7")"), "audit:read:self");
  EXPECT_EQ(last.user_id, 7);
  EXPECT_EQ(scopes(R"("scp":"audit:read","uid":"7x")"), "audit:read");
  EXPECT_FALSE(last.user_id);
  EXPECT_EQ(scopes(R"("scope":5)"), "");
}

TEST_F(JwtVerifierTest, RolesMustBeNamedWhereTheyAreAskedFor) {
  provider.role_claim = "role";
  EXPECT_EQ(verify(ec->sign(R_JWA_ALG_ES256, good_claims, "ec")), "ok");
  EXPECT_EQ(last.db_role, "reader");
  for (const char* role : {"", R"(,"role":"none")", R"(,"role":"")", R"(,"role":["reader"])"}) {
    const std::string claims = std::string(R"({"iss":"idp","aud":"api","sub":"a","exp":1700000060)") + role + "}";
    EXPECT_EQ(verify(ec->sign(R_JWA_ALG_ES256, claims, "ec")), "no role") << role;
  }
}

TEST_F(JwtVerifierTest, SetsWithoutAUsableKey) {
  for (const char* json : {"", "x", "[]", "{}", R"({"keys":[]})", R"({"keys":[{"kty":"oct","k":"c2VjcmV0"}]})"}) {
    EXPECT_FALSE(KeySet::from_json(json)) << json;
  }
  EXPECT_FALSE(KeySet::from_json(R"({"keys":[)" + KeyPair(R_KEY_TYPE_RSA, 1024, "small").json() + "]}"));
}

}  // namespace
}  // namespace audit::httpd
