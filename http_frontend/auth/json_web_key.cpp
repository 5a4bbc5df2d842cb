#include "auth/json_web_key.hpp"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "auth/jwt.hpp"
#include "base/json_value.hpp"

namespace audit::httpd {

struct SignatureAlgorithm {
  std::string_view name;
  gnutls_sign_algorithm_t id;
  gnutls_pk_algorithm_t type;  // RSA_PSS: by a key of RSA or one of RSA_PSS
  gnutls_ecc_curve_t curve;
  std::size_t signature_size;  // 0: the modulus's
};

namespace {

// A modulus of more bits costs each token of a stranger too much time.
constexpr unsigned min_rsa_bits = 2048, max_rsa_bits = 8192;
constexpr std::size_t max_exponent_bytes = 8;

constexpr std::array<SignatureAlgorithm, 11> algorithms{
    {{"RS256", GNUTLS_SIGN_RSA_SHA256, GNUTLS_PK_RSA, GNUTLS_ECC_CURVE_INVALID, 0},
     {"RS384", GNUTLS_SIGN_RSA_SHA384, GNUTLS_PK_RSA, GNUTLS_ECC_CURVE_INVALID, 0},
     {"RS512", GNUTLS_SIGN_RSA_SHA512, GNUTLS_PK_RSA, GNUTLS_ECC_CURVE_INVALID, 0},
     {"PS256", GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, GNUTLS_PK_RSA_PSS, GNUTLS_ECC_CURVE_INVALID, 0},
     {"PS384", GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, GNUTLS_PK_RSA_PSS, GNUTLS_ECC_CURVE_INVALID, 0},
     {"PS512", GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, GNUTLS_PK_RSA_PSS, GNUTLS_ECC_CURVE_INVALID, 0},
     {"ES256", GNUTLS_SIGN_ECDSA_SHA256, GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP256R1, 64},
     {"ES384", GNUTLS_SIGN_ECDSA_SHA384, GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP384R1, 96},
     {"ES512", GNUTLS_SIGN_ECDSA_SHA512, GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP521R1, 132},
     {"EdDSA", GNUTLS_SIGN_EDDSA_ED25519, GNUTLS_PK_EDDSA_ED25519, GNUTLS_ECC_CURVE_ED25519, 64},
     {"EdDSA", GNUTLS_SIGN_EDDSA_ED448, GNUTLS_PK_EDDSA_ED448, GNUTLS_ECC_CURVE_ED448, 114}}};

struct Curve {
  std::string_view name;
  gnutls_ecc_curve_t id;
  std::string_view key_type;
  std::size_t coordinate_size;
};

constexpr std::array<Curve, 5> curves{{{"P-256", GNUTLS_ECC_CURVE_SECP256R1, "EC", 32},
                                       {"P-384", GNUTLS_ECC_CURVE_SECP384R1, "EC", 48},
                                       {"P-521", GNUTLS_ECC_CURVE_SECP521R1, "EC", 66},
                                       {"Ed25519", GNUTLS_ECC_CURVE_ED25519, "OKP", 32},
                                       {"Ed448", GNUTLS_ECC_CURVE_ED448, "OKP", 57}}};

gnutls_datum_t datum(std::string_view bytes) {
  // GnuTLS takes what it only reads as not const.
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())), static_cast<unsigned>(bytes.size())};
}

// What GnuTLS allocates.
struct OwnedDatum {
  OwnedDatum() = default;
  OwnedDatum(const OwnedDatum&) = delete;
  OwnedDatum& operator=(const OwnedDatum&) = delete;
  ~OwnedDatum() { gnutls_free(value.data); }
  gnutls_datum_t value{};
};

struct CertificateDeleter {
  void operator()(gnutls_x509_crt_t certificate) const { gnutls_x509_crt_deinit(certificate); }
};
using Certificate = std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>, CertificateDeleter>;

struct Unusable {
  std::string why;
};

std::string_view without_leading_zeros(std::string_view bytes) {
  bytes.remove_prefix(std::min(bytes.find_first_not_of('\0'), bytes.size()));
  return bytes;
}

}  // namespace

// Reads one key; what is wrong with it is thrown, and goes no further than read().
class JsonWebKeyReader {
 public:
  explicit JsonWebKeyReader(const json_t& jwk) : jwk_(jwk) {}

  JsonWebKey read() {
    if (!json_is_object(&jwk_)) throw Unusable{"it is no object"};
    refuse_other_uses();
    const std::string_view type = text("kty");
    const bool has_parameters = member("n") || member("e") || member("x") || member("y");
    if (!has_parameters && !member("x5c")) throw Unusable{"it has neither parameters nor a certificate"};
    JsonWebKey key;
    key.id_ = text("kid");
    if (has_parameters) import_parameters(type, key);
    if (member("x5c")) import_certificate(type, key, has_parameters);
    examine(key);
    bind(type, key);
    return key;
  }

 private:
  bool member(const char* name) const { return json_object_get(&jwk_, name) != nullptr; }

  std::string_view text(const char* name) const {
    if (member(name) && !json_is_string(json_object_get(&jwk_, name)))
      throw Unusable{std::string(name) + " is no text"};
    return text_member(jwk_, name);
  }

  std::string bytes(const char* name) const {
    std::optional<std::string> decoded = base64url_bytes(text(name));
    if (!decoded || decoded->empty()) throw Unusable{std::string(name) + " is not base64url"};
    return std::move(*decoded);
  }

  // RFC 7517, 4.2 and 4.3. A set of public keys must not hold secrets: every reader of the set could use them.
  void refuse_other_uses() const {
    if (member("use") && text("use") != "sig") throw Unusable{"it is not for signatures"};
    if (member("d") || member("k") || text("kty") == "oct") throw Unusable{"it is a secret key"};
    const json_t* operations = json_object_get(&jwk_, "key_ops");
    if (operations == nullptr) return;
    bool may_verify = false;
    for (std::size_t i = 0; i < json_array_size(operations); ++i) {
      const char* operation = json_string_value(json_array_get(operations, i));
      may_verify = may_verify || (operation != nullptr && std::string_view(operation) == "verify");
    }
    if (!may_verify) throw Unusable{"key_ops does not name verify"};
  }

  static JsonWebKey::PublicKey make_key() {
    gnutls_pubkey_t made = nullptr;
    if (gnutls_pubkey_init(&made) != 0) throw std::bad_alloc();
    return JsonWebKey::PublicKey(made);
  }

  void import_parameters(std::string_view type, JsonWebKey& key) const {
    key.key_ = make_key();
    if (type == "RSA") return import_rsa(key);
    const std::string_view name = text("crv");
    const auto curve = std::find_if(curves.begin(), curves.end(),
                                    [&](const Curve& one) { return one.name == name && one.key_type == type; });
    if (curve == curves.end()) throw Unusable{"its kty or crv is none that is known"};
    const std::string x = bytes("x"), y = type == "EC" ? bytes("y") : std::string();
    if (x.size() != curve->coordinate_size || (type == "EC" && y.size() != x.size()))
      throw Unusable{"a coordinate has another size than its curve's"};
    const gnutls_datum_t x_datum = datum(x), y_datum = datum(y);
    if (gnutls_pubkey_import_ecc_raw(key.key_.get(), curve->id, &x_datum, type == "EC" ? &y_datum : nullptr) != 0)
      throw Unusable{"it is no point of its curve"};
  }

  void import_rsa(JsonWebKey& key) const {
    const std::string modulus = bytes("n"), exponent = bytes("e");
    const std::string_view n = without_leading_zeros(modulus), e = without_leading_zeros(exponent);
    if (n.size() * 8 > max_rsa_bits) throw Unusable{"its modulus is too large"};
    const gnutls_datum_t n_datum = datum(n), e_datum = datum(e);
    if (gnutls_pubkey_import_rsa_raw(key.key_.get(), &n_datum, &e_datum) != 0) throw Unusable{"n and e are no key"};
  }

  // RFC 7517, 4.7: the first certificate holds the key. Only the set itself vouches for it, as for n and e.
  void import_certificate(std::string_view type, JsonWebKey& key, bool has_parameters) const {
    if (type != "RSA" && type != "EC" && type != "OKP") throw Unusable{"its kty is none that is known"};
    const json_t* first = json_array_get(json_object_get(&jwk_, "x5c"), 0);
    if (!json_is_string(first)) throw Unusable{"x5c is no list of certificates"};
    const gnutls_datum_t base64 = datum({json_string_value(first), json_string_length(first)});
    OwnedDatum der;
    gnutls_x509_crt_t made = nullptr;
    if (gnutls_base64_decode2(&base64, &der.value) != 0) throw Unusable{"x5c is not base64"};
    if (gnutls_x509_crt_init(&made) != 0) throw std::bad_alloc();
    const Certificate certificate(made);
    JsonWebKey::PublicKey certified = make_key();
    if (gnutls_x509_crt_import(made, &der.value, GNUTLS_X509_FMT_DER) != 0 ||
        gnutls_pubkey_import_x509(certified.get(), made, 0) != 0)
      throw Unusable{"its certificate cannot be read"};
    if (has_parameters && fingerprint(certified.get()) != fingerprint(key.key_.get()))
      throw Unusable{"its certificate is another key's"};
    key.key_ = std::move(certified);
  }

  static std::string fingerprint(gnutls_pubkey_t key) {
    std::string hash(32, '\0');
    std::size_t size = hash.size();
    if (gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, reinterpret_cast<unsigned char*>(hash.data()), &size) !=
        0)
      throw Unusable{"GnuTLS cannot use it"};
    return hash;
  }

  // The same of parameters and certificates.
  static void examine(JsonWebKey& key) {
    unsigned bits = 0;
    key.type_ = static_cast<gnutls_pk_algorithm_t>(gnutls_pubkey_get_pk_algorithm(key.key_.get(), &bits));
    if (key.type_ == GNUTLS_PK_RSA || key.type_ == GNUTLS_PK_RSA_PSS) {
      if (bits < min_rsa_bits) throw Unusable{"its modulus is too small"};
      if (bits > max_rsa_bits) throw Unusable{"its modulus is too large"};
      return examine_exponent(key);
    }
    OwnedDatum x, y;
    if (gnutls_pubkey_export_ecc_raw2(key.key_.get(), &key.curve_, &x.value, &y.value, 0) != 0)
      throw Unusable{"its kind is none that is known"};
    // Only a use of it shows whether the point is on the curve.
    if (gnutls_pubkey_verify_params(key.key_.get()) != 0) throw Unusable{"it is no point of its curve"};
  }

  static void examine_exponent(const JsonWebKey& key) {
    OwnedDatum modulus, exponent;
    if (gnutls_pubkey_export_rsa_raw2(key.key_.get(), &modulus.value, &exponent.value, GNUTLS_EXPORT_FLAG_NO_LZ) != 0)
      throw Unusable{"GnuTLS cannot use it"};
    const gnutls_datum_t& e = exponent.value;
    const bool is_odd = e.size > 0 && (e.data[e.size - 1] & 1) != 0;
    if (!is_odd || e.size > max_exponent_bytes || (e.size == 1 && e.data[0] < 3))
      throw Unusable{"its exponent is no sane one"};
    const gnutls_datum_t& n = modulus.value;
    if (n.size == 0 || (n.data[n.size - 1] & 1) == 0) throw Unusable{"its modulus is even"};
  }

  // kty says what the certificate must hold, and alg what the key may be used for.
  void bind(std::string_view type, JsonWebKey& key) const {
    const bool is_rsa = key.type_ == GNUTLS_PK_RSA || key.type_ == GNUTLS_PK_RSA_PSS;
    const auto curve =
        std::find_if(curves.begin(), curves.end(), [&](const Curve& one) { return one.id == key.curve_; });
    if (!is_rsa && curve == curves.end()) throw Unusable{"its curve is none that is known"};
    if (type != (is_rsa ? "RSA" : curve->key_type)) throw Unusable{"its kty is another than its key's"};
    key.algorithm_ = text("alg");
    const auto is_served = [&](const SignatureAlgorithm& one) { return key.fits(one); };
    if (std::none_of(algorithms.begin(), algorithms.end(), is_served)) throw Unusable{"its alg does not fit it"};
  }

  const json_t& jwk_;
};

const SignatureAlgorithm* find_signature_algorithm(std::string_view name) {
  const auto found =
      std::find_if(algorithms.begin(), algorithms.end(), [&](const auto& one) { return one.name == name; });
  return found == algorithms.end() ? nullptr : &*found;
}

std::variant<JsonWebKey, std::string> JsonWebKey::read(const json_t& jwk) {
  try {
    return JsonWebKeyReader(jwk).read();
  } catch (const Unusable& unusable) {
    return unusable.why;
  }
}

bool JsonWebKey::fits(const SignatureAlgorithm& algorithm) const {
  if (!algorithm_.empty() && algorithm_ != algorithm.name) return false;
  if (algorithm.name == "EdDSA") return type_ == GNUTLS_PK_EDDSA_ED25519 || type_ == GNUTLS_PK_EDDSA_ED448;
  if (algorithm.type == GNUTLS_PK_RSA_PSS) return type_ == GNUTLS_PK_RSA || type_ == GNUTLS_PK_RSA_PSS;
  return type_ == algorithm.type && curve_ == algorithm.curve;
}

namespace {

// Two algorithms have the name EdDSA; the key says which one it is.
const SignatureAlgorithm& of_key(const SignatureAlgorithm& algorithm, gnutls_pk_algorithm_t type) {
  if (algorithm.name != "EdDSA") return algorithm;
  return *std::find_if(algorithms.begin(), algorithms.end(), [&](const auto& one) { return one.type == type; });
}

// The key of an RSA_PSS certificate is no RSAE key to GnuTLS.
gnutls_sign_algorithm_t id_for(const SignatureAlgorithm& algorithm, gnutls_pk_algorithm_t type) {
  if (type != GNUTLS_PK_RSA_PSS) return algorithm.id;
  return algorithm.name == "PS256"   ? GNUTLS_SIGN_RSA_PSS_SHA256
         : algorithm.name == "PS384" ? GNUTLS_SIGN_RSA_PSS_SHA384
                                     : GNUTLS_SIGN_RSA_PSS_SHA512;
}

}  // namespace

// RFC 7518, 3.4: an ECDSA signature is r and s side by side, which GnuTLS takes in DER only.
bool JsonWebKey::verifies(const SignatureAlgorithm& named, std::string_view signed_part,
                          std::string_view signature) const {
  const SignatureAlgorithm& algorithm = of_key(named, type_);
  if (algorithm.signature_size != 0 && signature.size() != algorithm.signature_size) return false;
  const gnutls_datum_t data = datum(signed_part);
  if (algorithm.type != GNUTLS_PK_ECDSA) {
    const gnutls_datum_t raw = datum(signature);
    return gnutls_pubkey_verify_data2(key_.get(), id_for(algorithm, type_), 0, &data, &raw) >= 0;
  }
  const std::size_t half = signature.size() / 2;
  const gnutls_datum_t r = datum(signature.substr(0, half)), s = datum(signature.substr(half));
  OwnedDatum der;
  if (gnutls_encode_rs_value(&der.value, &r, &s) != 0) return false;
  return gnutls_pubkey_verify_data2(key_.get(), algorithm.id, 0, &data, &der.value) >= 0;
}

}  // namespace audit::httpd
