// Networks of internet addresses; a single address is a network of one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core_only.hpp"

namespace audit {

struct InetNetwork {
  std::uint8_t address_size = 0;   // bytes: 4, or 16 for IPv6
  std::uint8_t prefix_length = 0;  // bits
  std::array<std::uint8_t, 16> address{};

  bool is_single_address() const noexcept { return prefix_length == 8 * address_size; }
};

enum class InetNetworkStatus {
  ok,
  malformed,
  has_host_bits,  // 10.0.0.1/8: bits behind the prefix that are not 0
};

// An address in the usual forms of IPv4 and IPv6, then perhaps a slash and the length of the prefix. Scope ids and
// abbreviated IPv4 are malformed. An IPv4-mapped address is one of IPv6.
InetNetworkStatus parse_inet_network(std::string_view text, InetNetwork& network) noexcept;

bool has_host_bits(const InetNetwork& network) noexcept;

// Whether all addresses of `other` are in `network`.
bool contains(const InetNetwork& network, const InetNetwork& other) noexcept;

}  // namespace audit
