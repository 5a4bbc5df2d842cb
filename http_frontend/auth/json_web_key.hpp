// Public keys as JSON Web Keys (RFC 7517, 7518, 8037) and the signatures that they verify (RFC 7515). The arithmetic is
// GnuTLS's; here is what JOSE asks beyond it: which key may serve which algorithm, and the form of a signature.
#pragma once

#include <gnutls/abstract.h>
#include <jansson.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace audit::httpd {

struct SignatureAlgorithm;

// RS, PS and ES with 256, 384 and 512, EdDSA; nullptr for any other name, so for HS and none.
const SignatureAlgorithm* find_signature_algorithm(std::string_view name);

class JsonWebKey {
 public:
  // The key, or why it cannot be used. `x5u` and the like are never followed.
  static std::variant<JsonWebKey, std::string> read(const json_t& jwk);

  const std::string& id() const { return id_; }

  // Whether a signature by this algorithm may be verified with this key.
  bool fits(const SignatureAlgorithm& algorithm) const;

  // REQUIRES: fits(algorithm).
  bool verifies(const SignatureAlgorithm& algorithm, std::string_view signed_part, std::string_view signature) const;

 private:
  struct Deleter {
    void operator()(gnutls_pubkey_t key) const { gnutls_pubkey_deinit(key); }
  };
  using PublicKey = std::unique_ptr<std::remove_pointer_t<gnutls_pubkey_t>, Deleter>;
  friend class JsonWebKeyReader;

  PublicKey key_;
  gnutls_pk_algorithm_t type_ = GNUTLS_PK_UNKNOWN;
  gnutls_ecc_curve_t curve_ = GNUTLS_ECC_CURVE_INVALID;
  std::string id_;
  std::string algorithm_;  // the only one that it may serve; empty: any that fits
};

}  // namespace audit::httpd
