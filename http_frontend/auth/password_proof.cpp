#include "auth/password_proof.hpp"

#include <crypt.h>

#include <memory>

namespace audit::httpd {
namespace {

constexpr std::size_t max_password_bytes = 72;
constexpr std::string_view stored_prefix = "$2a$";
// libcrypt's name for what pgcrypto calls $2a$. Its own $2a$ differs for a few passwords outside of ASCII.
constexpr std::string_view computed_prefix = "$2b$";

}  // namespace

Sha256 password_proof(const std::string& password, std::string_view salt) {
  if (salt.substr(0, stored_prefix.size()) != stored_prefix) return {};
  const std::string setting = std::string(computed_prefix).append(salt.substr(stored_prefix.size()));
  const auto work_area = std::make_unique<crypt_data>();
  const char* hash = crypt_rn(password.c_str(), setting.c_str(), work_area.get(), sizeof(crypt_data));
  if (hash == nullptr || password.size() > max_password_bytes || password.find('\0') != std::string::npos) return {};
  return sha256(std::string(stored_prefix).append(std::string_view(hash).substr(computed_prefix.size())));
}

}  // namespace audit::httpd
