// Tokens of an identity provider, signed here with keys made here.
#include "auth/jwt_verifier.hpp"

#include <gtest/gtest.h>

#include "auth/sha256.hpp"
#include "signing_key.hpp"

namespace audit::httpd {
namespace {

constexpr std::int64_t now_s = 1'700'000'000;
const char* const good_claims =
    R"({"iss":"idp","aud":["api"],"sub":"ann","exp":1700000060,"scope":"audit:read","uid":42,"role":"reader"})";

KeySetPtr key_set(const std::string& keys) {
  std::vector<std::string> left_out;
  return KeySet::from_json(R"({"keys":[)" + keys + "]}", left_out);
}

class JwtVerifierTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    rsa = new SigningKey(SigningKey::rsa(2048, "rsa"));
    ec = new SigningKey(SigningKey::p256("ec"));
    ed = new SigningKey(SigningKey::ed25519("ed"));
  }
  static void TearDownTestSuite() {
    delete rsa;
    delete ec;
    delete ed;
  }

  // "ok", or the problem.
  std::string verify(const std::string& token, std::int64_t at_s = now_s) {
    const std::optional<Jwt> jwt = parse_jwt(token);
    if (!jwt) return "no token";
    auto verdict = verify_idp_token(*jwt, provider, *keys, at_s);
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

  static SigningKey* rsa;
  static SigningKey* ec;
  static SigningKey* ed;
  IdentityProvider provider{{"idp", "api"}, {"RS256", "PS256", "ES256", "EdDSA"}, "uid", "", {"scope", "scp"}};
  KeySetPtr keys = key_set(rsa->json() + "," + ec->json() + "," + ed->json());
  Principal last;
};

SigningKey* JwtVerifierTest::rsa;
SigningKey* JwtVerifierTest::ec;
SigningKey* JwtVerifierTest::ed;

TEST_F(JwtVerifierTest, EachKindOfKey) {
  EXPECT_EQ(verify(rsa->sign("RS256", good_claims, "rsa")), "ok");
  EXPECT_EQ(verify(rsa->sign("PS256", good_claims, "rsa")), "ok");
  EXPECT_EQ(verify(ec->sign("ES256", good_claims, "ec")), "ok");
  EXPECT_EQ(verify(ed->sign("EdDSA", good_claims, "ed")), "ok");
  EXPECT_EQ(verify(ec->sign("ES256", good_claims, nullptr)), "ok");
  EXPECT_EQ(last.name, "idp:ann");
  EXPECT_EQ(last.user_id, 42);
  EXPECT_TRUE(last.scopes.read);
  EXPECT_FALSE(last.db_role);
}

TEST_F(JwtVerifierTest, AlgorithmsThatAreNotAllowed) {
  EXPECT_EQ(verify(rsa->sign("RS512", good_claims, "rsa")), "invalid");
  const std::string text = base64url_text(R"({"alg":"HS256","kid":"rsa"})") + "." + base64url_text(good_claims);
  const Sha256 hash = hmac_sha256(rsa->json(), text);
  EXPECT_EQ(verify(text + "." + base64url_text({reinterpret_cast<const char*>(hash.data()), hash.size()})), "invalid");
  EXPECT_EQ(verify(base64url_text(R"({"alg":"none"})") + "." + base64url_text(good_claims) + "."), "invalid");
}

TEST_F(JwtVerifierTest, KeysThatAreNotTheProviders) {
  const SigningKey other = SigningKey::p256("ec");
  EXPECT_EQ(verify(other.sign("ES256", good_claims, "ec")), "invalid");
  EXPECT_EQ(verify(other.sign("ES256", good_claims, "new")), "unknown key");
  EXPECT_EQ(verify(ec->sign("ES256", good_claims, "rsa")), "unknown key");
}

TEST_F(JwtVerifierTest, ChangedSignatures) {
  const std::string token = ec->sign("ES256", good_claims, "ec");
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
  const std::string token = ec->sign("ES256", good_claims, "ec");
  EXPECT_EQ(verify(token, now_s + 69), "ok");  // within the leeway
  EXPECT_EQ(verify(token, now_s + 70), "invalid");
}

TEST_F(JwtVerifierTest, ScopesAndIds) {
  const auto scopes = [&](const std::string& claim) {
    EXPECT_EQ(verify(ec->sign("ES256", R"({"iss":"idp","aud":"api","sub":"a","exp":1700000060,)" + claim + "}", "ec")),
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
  EXPECT_EQ(verify(ec->sign("ES256", good_claims, "ec")), "ok");
  EXPECT_EQ(last.db_role, "reader");
  for (const char* role : {"", R"(,"role":"none")", R"(,"role":"")", R"(,"role":["reader"])"}) {
    const std::string claims = std::string(R"({"iss":"idp","aud":"api","sub":"a","exp":1700000060)") + role + "}";
    EXPECT_EQ(verify(ec->sign("ES256", claims, "ec")), "no role") << role;
  }
}

// Where providers put what a caller may do.
TEST_F(JwtVerifierTest, ScopeClaimsAddUp) {
  const std::string claims =
      R"({"iss":"idp","aud":"api","sub":"a","exp":1700000060,"scope":"openid","scp":["audit:read"],"roles":["audit:write"],)"
      R"("realm_access":{"roles":["x","audit:read"]},"a/b":{"~":[["audit:read:self"]]}})";
  const std::string token = ec->sign("ES256", claims, "ec");
  const auto scopes = [&](std::vector<std::string> names) {
    provider.scope_claims = std::move(names);
    EXPECT_EQ(verify(token), "ok");
    return last.scopes.text();
  };
  EXPECT_EQ(scopes({"scope", "scp"}), "audit:read");
  EXPECT_EQ(scopes({"scope"}), "");
  EXPECT_EQ(scopes({"roles", "scp"}), "audit:read audit:write");
  EXPECT_EQ(scopes({"/realm_access/roles"}), "audit:read");
  EXPECT_EQ(scopes({"/realm_access/roles/1"}), "audit:read");
  EXPECT_EQ(scopes({"/a~1b/~0/0"}), "audit:read:self");
  for (const char* name : {"/realm_access", "/realm_access/roles/01", "/realm_access/roles/9", "/realm_access/roles/-1",
                           "/realm_access/roles/1/x", "/", "//", "/realm_access/", "/no/such", "realm_access/roles"}) {
    EXPECT_EQ(scopes({name}), "") << name;
  }
}

TEST_F(JwtVerifierTest, SubjectsHaveANameSpaceOfTheirOwn) {
  const auto named = [&](const std::string& subject) {
    return verify(ec->sign("ES256", R"({"iss":"idp","aud":"api","exp":1700000060,"sub":)" + subject + "}", "ec"));
  };
  EXPECT_EQ(named(R"("api_key:wk")"), "ok");
  EXPECT_EQ(last.name, "idp:api_key:wk");
  EXPECT_EQ(named("\"" + std::string(255, 'x') + "\""), "ok");
  for (const std::string& subject :
       {std::string(R"("")"), std::string("5"), std::string("[\"a\"]"), std::string(R"("a\nb")"),
        std::string(R"("\u007f")"), "\"" + std::string(256, 'x') + "\""}) {
    EXPECT_EQ(named(subject), "invalid") << subject;
  }
}

}  // namespace
}  // namespace audit::httpd
