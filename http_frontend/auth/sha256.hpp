// SHA-256 and HMAC-SHA-256, by GnuTLS.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace audit::httpd {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

// Takes equally long whatever the two hold.
bool equals_in_constant_time(const Sha256& left, const Sha256& right);

// The hash as the key of a hash table.
struct Sha256Hash {
  std::size_t operator()(const Sha256& hash) const;
};

}  // namespace audit::httpd
