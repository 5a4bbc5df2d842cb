// Keys made for a test: as a JSON Web Key, as a certificate, and to sign tokens with.
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "auth/jwt.hpp"

namespace audit::httpd {

// Makes and signs; whatever GnuTLS refuses ends the test program.
class SigningKey {
 public:
  static SigningKey rsa(unsigned bits, std::string id) { return {GNUTLS_PK_RSA, bits, std::move(id)}; }
  static SigningKey p256(std::string id) {
    return {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), std::move(id)};
  }
  static SigningKey p384(std::string id) {
    return {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), std::move(id)};
  }
  static SigningKey ed25519(std::string id) { return {GNUTLS_PK_EDDSA_ED25519, 0, std::move(id)}; }

  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;
  ~SigningKey() {
    gnutls_pubkey_deinit(public_);
    gnutls_privkey_deinit(private_);
  }

  // The members of its JSON Web Key, in braces; `more` begins with a comma.
  std::string json(const std::string& more = "") const { return "{" + named() + parameters() + more + "}"; }
  // Only the certificate holds the key.
  std::string certificate_json(const std::string& more = "") const {
    return "{" + named() + R"(,"x5c":[")" + certificate() + "\"]" + more + "}";
  }

  // A self-signed certificate in DER, as base64.
  std::string certificate() const {
    gnutls_x509_crt_t made = nullptr;
    require(gnutls_x509_crt_init(&made));
    const unsigned char serial = 1;
    require(gnutls_x509_crt_set_version(made, 3));
    require(gnutls_x509_crt_set_serial(made, &serial, 1));
    require(gnutls_x509_crt_set_activation_time(made, 1'600'000'000));
    require(gnutls_x509_crt_set_expiration_time(made, 1'650'000'000));
    require(gnutls_x509_crt_set_dn(made, "CN=test", nullptr));
    require(gnutls_x509_crt_set_pubkey(made, public_));
    const bool is_eddsa = gnutls_pubkey_get_pk_algorithm(public_, nullptr) == GNUTLS_PK_EDDSA_ED25519;
    require(gnutls_x509_crt_privkey_sign(made, made, private_, is_eddsa ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0));
    gnutls_datum_t der{}, text{};
    require(gnutls_x509_crt_export2(made, GNUTLS_X509_FMT_DER, &der));
    require(gnutls_base64_encode2(&der, &text));
    const std::string result(reinterpret_cast<char*>(text.data), text.size);
    gnutls_free(der.data);
    gnutls_free(text.data);
    gnutls_x509_crt_deinit(made);
    return result;
  }

  // A token by that algorithm of JOSE. `key_id` nullptr: its header names no key.
  std::string sign(const std::string& algorithm, std::string_view claims, const char* key_id) const {
    const std::string named = key_id == nullptr ? "" : R"(,"kid":")" + std::string(key_id) + "\"";
    const std::string text =
        base64url_text(R"({"alg":")" + algorithm + "\"" + named + "}") + "." + base64url_text(claims);
    return text + "." + base64url_text(signature(algorithm, text));
  }

 private:
  SigningKey(gnutls_pk_algorithm_t type, unsigned bits, std::string id) : id_(std::move(id)) {
    require(gnutls_privkey_init(&private_));
    require(gnutls_privkey_generate(private_, type, bits, 0));
    require(gnutls_pubkey_init(&public_));
    require(gnutls_pubkey_import_privkey(public_, private_, 0, 0));
  }

  static void require(int result) {
    if (result < 0) std::abort();
  }

  static std::string bytes_of(gnutls_datum_t& value) {
    std::string bytes(reinterpret_cast<char*>(value.data), value.size);
    gnutls_free(value.data);
    return bytes;
  }

  bool is_rsa() const { return gnutls_pubkey_get_pk_algorithm(public_, nullptr) == GNUTLS_PK_RSA; }

  std::string named() const {
    const int type = gnutls_pubkey_get_pk_algorithm(public_, nullptr);
    const char* kind = type == GNUTLS_PK_RSA ? "RSA" : type == GNUTLS_PK_ECDSA ? "EC" : "OKP";
    return R"("kty":")" + std::string(kind) + R"(","kid":")" + id_ + "\"";
  }

  std::string parameters() const {
    gnutls_datum_t first{}, second{};
    if (is_rsa()) {
      require(gnutls_pubkey_export_rsa_raw2(public_, &first, &second, GNUTLS_EXPORT_FLAG_NO_LZ));
      const std::string n = bytes_of(first), e = bytes_of(second);
      return R"(,"n":")" + base64url_text(n) + R"(","e":")" + base64url_text(e) + "\"";
    }
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    require(gnutls_pubkey_export_ecc_raw2(public_, &curve, &first, &second, GNUTLS_EXPORT_FLAG_NO_LZ));
    const std::string x = bytes_of(first), y = bytes_of(second);
    if (curve == GNUTLS_ECC_CURVE_ED25519) return R"(,"crv":"Ed25519","x":")" + base64url_text(x) + "\"";
    const std::size_t size = curve == GNUTLS_ECC_CURVE_SECP256R1 ? 32 : 48;
    return std::string(R"(,"crv":")") + (size == 32 ? "P-256" : "P-384") + R"(","x":")" +
           base64url_text(padded(x, size)) + R"(","y":")" + base64url_text(padded(y, size)) + "\"";
  }

  static std::string padded(const std::string& bytes, std::size_t size) {
    return std::string(size - bytes.size(), '\0') + bytes;
  }

  std::string signature(const std::string& algorithm, std::string_view text) const {
    const gnutls_datum_t data{reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
                              static_cast<unsigned>(text.size())};
    gnutls_datum_t made{};
    require(gnutls_privkey_sign_data2(private_, id_of(algorithm), 0, &data, &made));
    if (algorithm[0] != 'E' || algorithm[1] != 'S') return bytes_of(made);
    gnutls_datum_t r{}, s{};
    require(gnutls_decode_rs_value(&made, &r, &s));
    gnutls_free(made.data);
    const std::size_t size = algorithm == "ES256" ? 32 : 48;
    const std::string left = bytes_of(r), right = bytes_of(s);
    return fixed(left, size) + fixed(right, size);
  }

  // Of a number in DER, which has a zero too many or some too few.
  static std::string fixed(const std::string& number, std::size_t size) {
    return number.size() > size ? number.substr(number.size() - size) : padded(number, size);
  }

  static gnutls_sign_algorithm_t id_of(const std::string& algorithm) {
    if (algorithm == "RS256") return GNUTLS_SIGN_RSA_SHA256;
    if (algorithm == "RS512") return GNUTLS_SIGN_RSA_SHA512;
    if (algorithm == "PS256") return GNUTLS_SIGN_RSA_PSS_RSAE_SHA256;
    if (algorithm == "ES256") return GNUTLS_SIGN_ECDSA_SHA256;
    if (algorithm == "ES384") return GNUTLS_SIGN_ECDSA_SHA384;
    return GNUTLS_SIGN_EDDSA_ED25519;
  }

  gnutls_privkey_t private_ = nullptr;
  gnutls_pubkey_t public_ = nullptr;
  std::string id_;
};

}  // namespace audit::httpd
