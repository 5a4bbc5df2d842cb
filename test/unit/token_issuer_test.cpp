// Own tokens: issued, recognized, and refused when anything about them is wrong.
#include "auth/token_issuer.hpp"

#include <gtest/gtest.h>

#include "auth/sha256.hpp"

namespace audit::httpd {
namespace {

constexpr std::int64_t now_s = 1'700'000'000;
const std::string secret(32, 's');
const ClaimRules rules{"issuer", "audience"};

std::optional<OwnToken> verify(const TokenIssuer& issuer, const std::string& token, std::int64_t at_s = now_s) {
  const std::optional<Jwt> jwt = parse_jwt(token);
  return jwt ? issuer.verify(*jwt, at_s) : std::nullopt;
}

// A token with any header and claims, signed with `key`.
std::string signed_token(const std::string& header, const std::string& claims, const std::string& key = secret) {
  const std::string text = base64url_text(header) + "." + base64url_text(claims);
  const Sha256 hash = hmac_sha256(key, text);
  return text + "." + base64url_text({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

const std::string hs256 = R"({"alg":"HS256","typ":"JWT"})";
std::string claims(const std::string& more) {
  return R"({"iss":"issuer","aud":"audience","sub":"ann","epoch":3)" + more + "}";
}

class TokenIssuerTest : public testing::Test {
 protected:
  TokenIssuer issuer{secret, rules, std::chrono::seconds(60)};
};

TEST_F(TokenIssuerTest, RecognizesItsOwn) {
  const std::string token = issuer.issue("ann \xC3\xA9", 7, {true, false}, now_s);
  const std::optional<OwnToken> own = verify(issuer, token);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->username, "ann \xC3\xA9");
  EXPECT_EQ(own->epoch, 7);
  EXPECT_TRUE(own->scopes.read);
  EXPECT_EQ(own->expires_s, now_s + 60);
  EXPECT_NE(issuer.issue("ann", 7, {}, now_s), issuer.issue("ann", 7, {}, now_s));
}

TEST_F(TokenIssuerTest, EveryChangedCharacterIsNoticed) {
  const std::string token = issuer.issue("ann", 7, {true, false}, now_s);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (changed != token) {
      EXPECT_FALSE(verify(issuer, changed)) << i;
    }
  }
}

TEST_F(TokenIssuerTest, ClaimsMustHold) {
  const std::string good = R"(,"exp":1700000060)";
  EXPECT_TRUE(verify(issuer, signed_token(hs256, claims(good))));
  for (const std::string& wrong :
       {std::string(), std::string(R"(,"exp":1699999990)"), std::string(R"(,"exp":"1700000060")"),
        std::string(R"(,"exp":1e300)"), std::string(R"(,"exp":-1)"), good + R"(,"nbf":1700000011)",
        good + R"(,"nbf":null)", good + R"(,"sub":"twice")"}) {
    EXPECT_FALSE(verify(issuer, signed_token(hs256, claims(wrong)))) << wrong;
  }
  EXPECT_FALSE(
      verify(issuer, signed_token(hs256, R"({"iss":"other","aud":"audience","sub":"a","epoch":3,"exp":1700000060})")));
  EXPECT_FALSE(
      verify(issuer, signed_token(hs256, R"({"iss":"issuer","aud":["x"],"sub":"a","epoch":3,"exp":1700000060})")));
  EXPECT_TRUE(verify(
      issuer, signed_token(hs256, R"({"iss":"issuer","aud":["x","audience"],"sub":"a","epoch":3,"exp":1700000060})")));
  EXPECT_FALSE(verify(
      issuer, signed_token(hs256, R"({"iss":"issuer","aud":"audience","sub":"a","epoch":"3","exp":1700000060})")));
}

TEST_F(TokenIssuerTest, AlgorithmAndKeyArePinned) {
  const std::string good = claims(R"(,"exp":1700000060)");
  EXPECT_FALSE(verify(issuer, signed_token(hs256, good, std::string(32, 'x'))));
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"HS512"})", R"({"alg":"hs256"})", R"({"alg":"RS256"})",
                             "{}", R"({"alg":"HS256","crit":["exp"]})"}) {
    EXPECT_FALSE(verify(issuer, signed_token(header, good))) << header;
  }
  EXPECT_FALSE(verify(issuer, base64url_text(R"({"alg":"none"})") + "." + base64url_text(good) + "."));
}

TEST_F(TokenIssuerTest, WhatIsNoTokenAtAll) {
  for (const char* text :
       {"", ".", "..", "...", "a.b", "a.b.c", "e30.e30", "e30.e30.", "e30=.e30.AAAA", "W10.e30.AAAA"}) {
    EXPECT_FALSE(verify(issuer, text)) << text;
  }
}

}  // namespace
}  // namespace audit::httpd
