#include "auth/jwt_verifier.hpp"

#include <rhonabwy.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <stdexcept>

namespace audit::httpd {
namespace {

// Never fetch a key that a token or a key names by URL.
constexpr int no_fetching = R_FLAG_IGNORE_REMOTE;
constexpr unsigned min_rsa_bits = 2048;

struct JwkDeleter {
  void operator()(jwk_t* key) const { r_jwk_free(key); }
};
struct JwksDeleter {
  void operator()(jwks_t* keys) const { r_jwks_free(keys); }
};
struct JwsDeleter {
  void operator()(jws_t* jws) const { r_jws_free(jws); }
};
using JwkPtr = std::unique_ptr<jwk_t, JwkDeleter>;
using JwksPtr = std::unique_ptr<jwks_t, JwksDeleter>;
using JwsPtr = std::unique_ptr<jws_t, JwsDeleter>;

// What an algorithm needs of a key. `bits` zero: any size (of RSA: any that is large enough).
struct Algorithm {
  std::string_view name;
  jwa_alg id;
  int key_type;
  unsigned bits;
};

constexpr std::array<Algorithm, 10> algorithms{{{"RS256", R_JWA_ALG_RS256, R_KEY_TYPE_RSA, 0},
                                                {"RS384", R_JWA_ALG_RS384, R_KEY_TYPE_RSA, 0},
                                                {"RS512", R_JWA_ALG_RS512, R_KEY_TYPE_RSA, 0},
                                                {"PS256", R_JWA_ALG_PS256, R_KEY_TYPE_RSA, 0},
                                                {"PS384", R_JWA_ALG_PS384, R_KEY_TYPE_RSA, 0},
                                                {"PS512", R_JWA_ALG_PS512, R_KEY_TYPE_RSA, 0},
                                                {"ES256", R_JWA_ALG_ES256, R_KEY_TYPE_EC, 256},
                                                {"ES384", R_JWA_ALG_ES384, R_KEY_TYPE_EC, 384},
                                                {"ES512", R_JWA_ALG_ES512, R_KEY_TYPE_EC, 521},
                                                {"EdDSA", R_JWA_ALG_EDDSA, R_KEY_TYPE_EDDSA, 0}}};

const Algorithm* find_algorithm(std::string_view name) {
  const auto found =
      std::find_if(algorithms.begin(), algorithms.end(), [&](const auto& one) { return one.name == name; });
  return found == algorithms.end() ? nullptr : &*found;
}

std::string property(jwk_t* key, const char* name) {
  const char* value = r_jwk_get_property_str(key, name);
  return value == nullptr ? std::string() : std::string(value);
}

JwksPtr new_key_set() {
  jwks_t* keys = nullptr;
  if (r_jwks_init(&keys) != RHN_OK) throw std::bad_alloc();
  return JwksPtr(keys);
}

bool has_valid_signature(std::string_view token, const Algorithm& algorithm, jwk_t* key) {
  jws_t* created = nullptr;
  if (r_jws_init(&created) != RHN_OK) throw std::bad_alloc();
  const JwsPtr jws(created);
  // Nothing that the token itself says about keys is taken up.
  if (r_jws_advanced_compact_parsen(created, token.data(), token.size(), R_PARSE_NONE, no_fetching) != RHN_OK)
    return false;
  return r_jws_get_alg(created) == algorithm.id && r_jws_verify_signature(created, key, no_fetching) == RHN_OK;
}

// RFC 8693 and 9068 have `scope` (space separated), others have `scp`, as text or as a list.
std::string scope_text(const json_t& claims) {
  for (const char* name : {"scope", "scp"}) {
    const json_t* value = json_object_get(&claims, name);
    if (json_is_string(value)) return std::string(text_member(claims, name));
    std::string text;
    for (std::size_t i = 0; i < json_array_size(value); ++i) {
      const json_t* one = json_array_get(value, i);
      if (json_is_string(one)) text.append(json_string_value(one)).push_back(' ');
    }
    if (json_is_array(value)) return text;
  }
  return {};
}

std::optional<std::int64_t> integer_claim(const json_t& claims, const std::string& name) {
  const json_t* value = name.empty() ? nullptr : json_object_get(&claims, name.c_str());
  if (json_is_integer(value)) return json_integer_value(value);
  const std::string_view text = name.empty() ? std::string_view() : text_member(claims, name.c_str());
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return is_whole ? std::optional(number) : std::nullopt;
}

}  // namespace

struct KeySet::Key {
  JwkPtr jwk;
  std::string id;
  std::string algorithm;  // empty: any that fits the type
  int type;
  unsigned bits;

  bool fits(const Algorithm& wanted) const {
    if (!algorithm.empty() && algorithm != wanted.name) return false;
    return (type & wanted.key_type) != 0 && (wanted.bits == 0 || wanted.bits == bits);
  }
};

namespace {

std::optional<KeySet::Key> usable_key(JwkPtr jwk) {
  unsigned bits = 0;
  const int type = jwk ? r_jwk_key_type(jwk.get(), &bits, no_fetching) : R_KEY_TYPE_NONE;
  const bool is_asymmetric = (type & (R_KEY_TYPE_RSA | R_KEY_TYPE_EC | R_KEY_TYPE_EDDSA)) != 0;
  if (!is_asymmetric || property(jwk.get(), "use") == "enc") return std::nullopt;
  if ((type & R_KEY_TYPE_RSA) != 0 && bits < min_rsa_bits) return std::nullopt;
  if ((type & R_KEY_TYPE_EC) != 0 && property(jwk.get(), "crv") == "P-521") bits = 521;  // some versions say 512
  std::string id = property(jwk.get(), "kid");
  std::string algorithm = property(jwk.get(), "alg");
  return KeySet::Key{std::move(jwk), std::move(id), std::move(algorithm), type, bits};
}

std::vector<KeySet::Key> usable_keys(jwks_t* jwks) {
  std::vector<KeySet::Key> keys;
  for (std::size_t i = 0; i < r_jwks_size(jwks); ++i) {
    if (auto key = usable_key(JwkPtr(r_jwks_get_at(jwks, i)))) keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace

KeySet::KeySet() = default;
KeySet::~KeySet() = default;

KeySetPtr KeySet::from_json(const std::string& json) {
  const JwksPtr jwks = new_key_set();
  r_jwks_import_from_json_str(jwks.get(), json.c_str());  // an error: at least one key is left out
  auto set = std::make_shared<KeySet>();
  set->keys_ = usable_keys(jwks.get());
  return set->keys_.empty() ? nullptr : set;
}

JwtLibrary::JwtLibrary() {
  if (r_global_init() != RHN_OK) throw std::runtime_error("rhonabwy does not start");
}

JwtLibrary::~JwtLibrary() { r_global_close(); }

bool is_public_key_algorithm(std::string_view name) { return find_algorithm(name) != nullptr; }

std::variant<IdpToken, TokenProblem> verify_idp_token(std::string_view token, const Jwt& jwt,
                                                      const IdentityProvider& provider, const KeySet& keys,
                                                      std::int64_t now_s) {
  const auto& allowed = provider.algorithms;
  const Algorithm* algorithm = find_algorithm(jwt.algorithm());
  const bool is_allowed = std::find(allowed.begin(), allowed.end(), jwt.algorithm()) != allowed.end();
  if (algorithm == nullptr || !is_allowed || !claims_hold(*jwt.claims, provider.rules, now_s)) {
    return TokenProblem::invalid;
  }
  const std::string_view key_id = text_member(*jwt.header, "kid");
  const auto is_named = [&](const KeySet::Key& key) {
    return (key_id.empty() || key.id == key_id) && key.fits(*algorithm);
  };
  const auto signs = [&](const KeySet::Key& key) {
    return is_named(key) && has_valid_signature(token, *algorithm, key.jwk.get());
  };
  if (std::none_of(keys.keys().begin(), keys.keys().end(), is_named)) return TokenProblem::unknown_key;
  if (std::none_of(keys.keys().begin(), keys.keys().end(), signs)) return TokenProblem::invalid;

  const std::string_view subject = text_member(*jwt.claims, "sub");
  if (subject.empty()) return TokenProblem::invalid;
  Principal principal{std::string(subject), Scopes::parse_known(scope_text(*jwt.claims)),
                      integer_claim(*jwt.claims, provider.user_id_claim), std::nullopt};
  if (!provider.role_claim.empty()) {
    const std::string_view role = text_member(*jwt.claims, provider.role_claim.c_str());
    // "none" would take the role away again, and leave the front end's own rights.
    if (role.empty() || role == "none") return TokenProblem::no_role;
    principal.db_role = std::string(role);
  }
  return IdpToken{std::move(principal), expiry_s(*jwt.claims)};
}

}  // namespace audit::httpd
