#include "inet_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace audit {
namespace {

bool parse_address(std::string_view text, InetNetwork& network) noexcept {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), terminated);
  terminated[text.size()] = '\0';
  const bool is_ipv6 = text.find(':') != std::string_view::npos;
  network.address = {};
  network.address_size = is_ipv6 ? 16 : 4;
  network.prefix_length = static_cast<std::uint8_t>(8 * network.address_size);
  return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, terminated, network.address.data()) == 1;
}

bool parse_prefix_length(std::string_view text, InetNetwork& network) noexcept {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  unsigned length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() || length > network.prefix_length) return false;
  network.prefix_length = static_cast<std::uint8_t>(length);
  return true;
}

// The bits of the byte that belong to the prefix.
std::uint8_t prefix_mask(const InetNetwork& network, std::size_t byte) noexcept {
  const int bits = std::clamp(network.prefix_length - 8 * static_cast<int>(byte), 0, 8);
  return static_cast<std::uint8_t>(0xff00 >> bits);
}

}  // namespace

InetNetworkStatus parse_inet_network(std::string_view text, InetNetwork& network) noexcept {
  const std::size_t slash = text.find('/');
  if (!parse_address(text.substr(0, slash), network)) return InetNetworkStatus::malformed;
  if (slash != std::string_view::npos && !parse_prefix_length(text.substr(slash + 1), network))
    return InetNetworkStatus::malformed;
  return has_host_bits(network) ? InetNetworkStatus::has_host_bits : InetNetworkStatus::ok;
}

bool has_host_bits(const InetNetwork& network) noexcept {
  for (std::size_t i = 0; i < network.address_size; i++)
    if ((network.address[i] & ~prefix_mask(network, i)) != 0) return true;
  return false;
}

bool contains(const InetNetwork& network, const InetNetwork& other) noexcept {
  if (network.address_size != other.address_size || other.prefix_length < network.prefix_length) return false;
  for (std::size_t i = 0; i < network.address_size; i++)
    if (((network.address[i] ^ other.address[i]) & prefix_mask(network, i)) != 0) return false;
  return true;
}

}  // namespace audit
