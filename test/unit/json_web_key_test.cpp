// JSON Web Keys and signatures: the examples of the RFCs, Wycheproof's cases, and keys that cannot be used.
#include "auth/json_web_key.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "auth/jwt.hpp"
#include "auth/key_set.hpp"
#include "signing_key.hpp"

namespace audit::httpd {
namespace {

JsonPtr parse(const std::string& json) {
  JsonPtr value = parse_json_object(json);
  EXPECT_TRUE(value) << json;
  return value;
}

// Why the key cannot be used; empty: it can.
std::string problem_of(const std::string& jwk) {
  const auto read = JsonWebKey::read(*parse(jwk));
  const auto* problem = std::get_if<std::string>(&read);
  return problem == nullptr ? "" : *problem;
}

// Of a signature in its compact form, by its own header and that one key.
bool verifies(const json_t& jwk, std::string_view signature) {
  const auto read = JsonWebKey::read(jwk);
  const auto* key = std::get_if<JsonWebKey>(&read);
  const std::size_t first = signature.find('.');
  const std::size_t second = first == std::string_view::npos ? first : signature.find('.', first + 1);
  if (key == nullptr || second == std::string_view::npos) return false;
  const auto header = base64url_bytes(signature.substr(0, first));
  const auto payload = base64url_bytes(signature.substr(first + 1, second - first - 1));
  const auto raw = base64url_bytes(signature.substr(second + 1));
  const JsonPtr members = header ? parse_json_object(*header) : nullptr;
  const SignatureAlgorithm* algorithm = members ? find_signature_algorithm(text_member(*members, "alg")) : nullptr;
  if (!payload || !raw || algorithm == nullptr || !key->fits(*algorithm)) return false;
  return key->verifies(*algorithm, signature.substr(0, second), *raw);
}

TEST(JsonWebKeyTest, ExamplesOfTheRfcs) {
  struct Example {
    const char* name;
    const char* jwk;
    const char* signature;
  };
  const Example examples[] = {
      {"RFC 7515, A.3",
       R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
       R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
       "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
       "cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
      {"RFC 7515, A.4",
       R"({"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",)"
       R"("y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"})",
       "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34X"
       "O0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"},
      {"RFC 8037, A.4", R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
       "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4"
       "ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"}};
  for (const Example& example : examples) {
    EXPECT_TRUE(verifies(*parse(example.jwk), example.signature)) << example.name;
    std::string changed = example.signature;
    changed[changed.find('.') + 2] ^= 1;
    EXPECT_FALSE(verifies(*parse(example.jwk), changed)) << example.name;
  }
}

// Those of RFC 7520, section 4, are among them.
TEST(JsonWebKeyTest, Wycheproof) {
  std::ostringstream text;
  text << std::ifstream("data/json_web_signatures.json").rdbuf();
  const JsonPtr document = parse(text.str());
  int count = 0;
  std::size_t index = 0;
  json_t* group = nullptr;
  json_array_foreach(json_object_get(document.get(), "groups"), index, group) {
    const json_t* tests = json_object_get(group, "tests");
    for (std::size_t i = 0; i < json_array_size(tests); ++i, ++count) {
      const json_t* test = json_array_get(tests, i);
      EXPECT_EQ(verifies(*json_object_get(group, "key"), json_string_value(json_array_get(test, 1))),
                json_is_true(json_array_get(test, 2)))
          << "group " << index << ", test " << i << ": " << json_string_value(json_array_get(test, 0));
    }
  }
  EXPECT_EQ(count, 361);
}

class CertificatesTest : public testing::Test {
 protected:
  static void expect_use(const SigningKey& key, const std::string& algorithm) {
    const std::string token = key.sign(algorithm, "{}", nullptr);
    EXPECT_TRUE(verifies(*parse(key.certificate_json()), token)) << algorithm;
    EXPECT_TRUE(verifies(*parse(key.json()), token)) << algorithm;
    EXPECT_TRUE(
        verifies(*parse(key.json(R"(,"x5c":[")" + key.certificate() + R"("],"x5u":"http://127.0.0.1:1/c")")), token));
    EXPECT_TRUE(verifies(*parse(key.certificate_json(R"(,"alg":")" + algorithm + "\"")), token)) << algorithm;
    EXPECT_EQ(problem_of(key.certificate_json(R"(,"alg":"HS256")")), "its alg does not fit it");
    EXPECT_EQ(problem_of(key.certificate_json(R"(,"use":"enc")")), "it is not for signatures");
  }
};

TEST_F(CertificatesTest, HoldTheKey) {
  expect_use(SigningKey::rsa(2048, "k"), "RS256");
  expect_use(SigningKey::rsa(2048, "k"), "PS256");
  expect_use(SigningKey::p256("k"), "ES256");
  expect_use(SigningKey::p384("k"), "ES384");
  expect_use(SigningKey::ed25519("k"), "EdDSA");
}

TEST_F(CertificatesTest, MustNotContradict) {
  const SigningKey one = SigningKey::p256("k"), other = SigningKey::p256("k"), rsa = SigningKey::rsa(2048, "k");
  EXPECT_EQ(problem_of(one.json(R"(,"x5c":[")" + other.certificate() + "\"]")), "its certificate is another key's");
  EXPECT_EQ(problem_of(R"({"kty":"EC","crv":"P-256","x5c":[")" + rsa.certificate() + "\"]}"),
            "its kty is another than its key's");
  EXPECT_EQ(problem_of(R"({"kty":"oct","x5c":[")" + rsa.certificate() + "\"]}"), "it is a secret key");
  for (const char* x5c : {"[]", "5", "\"\"", "[5]", "[\"\"]", "[\"!\"]", "[\"MIIB\"]"}) {
    EXPECT_NE(problem_of(std::string(R"({"kty":"RSA","x5c":)") + x5c + "}"), "") << x5c;
  }
}

TEST(JsonWebKeyTest, KeysThatCannotBeUsed) {
  const std::string good = R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")";
  const std::string off_curve =
      R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")";
  EXPECT_EQ(problem_of("{}"), "it has neither parameters nor a certificate");
  EXPECT_EQ(problem_of(R"({"kty":"EC","crv":"P-256",)" + off_curve + "}"), "it is no point of its curve");
  EXPECT_EQ(problem_of(R"({"kty":"EC","crv":"P-256",)" + good + "}"), "y is not base64url");
  EXPECT_EQ(problem_of(R"({"kty":"EC","crv":"P-384",)" + off_curve + "}"),
            "a coordinate has another size than its curve's");
  EXPECT_EQ(problem_of(R"({"kty":"EC","crv":"secp256k1",)" + off_curve + "}"), "its kty or crv is none that is known");
  EXPECT_EQ(problem_of(R"({"kty":"OKP","crv":"X25519",)" + good + "}"), "its kty or crv is none that is known");
  EXPECT_EQ(problem_of(R"({"kty":"EC","crv":"Ed25519",)" + good + "}"), "its kty or crv is none that is known");
  EXPECT_EQ(problem_of(R"({"kty":"oct","k":"c2VjcmV0"})"), "it is a secret key");
  EXPECT_EQ(problem_of(SigningKey::p256("k").json(R"(,"d":"AA")")), "it is a secret key");
  EXPECT_EQ(problem_of(SigningKey::p256("k").json(R"(,"key_ops":["sign"])")), "key_ops does not name verify");
  EXPECT_EQ(problem_of(SigningKey::p256("k").json(R"(,"key_ops":["sign","verify"])")), "");
  EXPECT_EQ(problem_of(SigningKey::p256("k").json(R"(,"alg":"ES384")")), "its alg does not fit it");
  EXPECT_EQ(problem_of(SigningKey::p256("k").json(R"(,"alg":5)")), "alg is no text");
  EXPECT_EQ(problem_of(SigningKey::rsa(1024, "k").json()), "its modulus is too small");
  EXPECT_EQ(problem_of(R"({"kty":"RSA","n":")" + std::string(1400, 'x') + R"(","e":"AQAB"})"),
            "its modulus is too large");
  const std::string even = std::string(342, 'g');  // 2048 bits that end in a zero
  EXPECT_NE(problem_of(R"({"kty":"RSA","n":")" + even.substr(0, 341) + R"(A","e":"AQAB"})"), "");
  for (const char* exponent : {"", "AA", "AQ", "Ag", "AQABAQABAQABAQAB", "!"}) {
    const std::string rsa = SigningKey::rsa(2048, "k").json();
    const std::size_t at = rsa.find(R"("e":")");
    EXPECT_NE(problem_of(rsa.substr(0, at) + R"("e":")" + exponent + "\"}"), "") << exponent;
  }
}

// One bad key does not spoil the others, and each gets a line.
TEST(KeySetTest, LeavesOutWhatCannotBeUsed) {
  const SigningKey key = SigningKey::p256("good");
  const std::string bad[] = {"5",
                             "null",
                             "[]",
                             "{}",
                             R"({"kty":"oct","kid":"s","k":"c2VjcmV0"})",
                             R"({"kty":"RSA","kid":"k","x5c":["MIIB"]})"};
  std::string all;
  for (const std::string& one : bad) all += one + ",";
  std::vector<std::string> left_out;
  const KeySetPtr set = KeySet::from_json(R"({"keys":[)" + all + key.json() + "]}", left_out);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->keys.size(), 1u);
  EXPECT_EQ(left_out.size(), std::size(bad));
  EXPECT_EQ(left_out[4], "key 4 (s): it is a secret key");
}

TEST(KeySetTest, SetsWithoutAUsableKey) {
  for (const char* json : {"", "x", "[]", "{}", R"({"keys":5})", R"({"keys":[]})",
                           R"({"keys":[{"kty":"oct","k":"c2VjcmV0"}]})", R"({"keys":[],"keys":[]})"}) {
    std::vector<std::string> left_out;
    EXPECT_FALSE(KeySet::from_json(json, left_out)) << json;
  }
}

TEST(KeySetTest, IsBounded) {
  std::string many = "{}";
  for (int i = 0; i < 1000; ++i) many += ",{}";
  std::vector<std::string> left_out;
  EXPECT_FALSE(KeySet::from_json(R"({"keys":[)" + many + "]}", left_out));
  EXPECT_EQ(left_out.size(), 101u);
}

}  // namespace
}  // namespace audit::httpd
