#include "auth/sha256.hpp"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <cstring>
#include <stdexcept>

namespace audit::httpd {

Sha256 sha256(std::string_view bytes) {
  Sha256 hash;
  if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes.data(), bytes.size(), hash.data()) != 0) {
    throw std::runtime_error("GnuTLS cannot compute SHA-256");
  }
  return hash;
}

Sha256 hmac_sha256(std::string_view key, std::string_view bytes) {
  Sha256 hash;
  if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data(), key.size(), bytes.data(), bytes.size(), hash.data()) != 0) {
    throw std::runtime_error("GnuTLS cannot compute HMAC-SHA-256");
  }
  return hash;
}

bool equals_in_constant_time(const Sha256& left, const Sha256& right) {
  return gnutls_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::size_t Sha256Hash::operator()(const Sha256& hash) const {
  std::size_t value;  // any part of it is as good as the whole
  std::memcpy(&value, hash.data(), sizeof value);
  return value;
}

}  // namespace audit::httpd
