#include "http/request_id.hpp"

#include <sys/random.h>

#include <stdexcept>

namespace audit::httpd {

bool is_sane_request_id(std::string_view id) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:+/=@";
  return !id.empty() && id.size() <= 128 && id.find_first_not_of(allowed) == std::string_view::npos;
}

RequestIds::RequestIds() {
  if (getrandom(&prefix_, sizeof prefix_, 0) != sizeof prefix_) throw std::runtime_error("getrandom failed");
}

std::string RequestIds::make() {
  constexpr std::string_view digits = "0123456789abcdef";
  const std::uint64_t number = next_++;
  std::string id(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    id[15 - i] = digits[prefix_ >> (4 * i) & 15];
    id[31 - i] = digits[number >> (4 * i) & 15];
  }
  return id;
}

}  // namespace audit::httpd
