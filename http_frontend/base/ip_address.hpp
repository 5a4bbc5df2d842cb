// IPv4 and IPv6 addresses and networks as values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace audit::httpd {

// IPv4 addresses are kept as the IPv6 addresses they are mapped to (::ffff:192.0.2.1), which is also how they arrive on
// a socket of both families.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  // Numeric, without port, brackets or zone.
  static std::optional<IpAddress> parse(const std::string& text);
  // Nothing: another family.
  static std::optional<IpAddress> from(const sockaddr* address);

  bool is_ipv4() const;
  std::string text() const;
  // What limits count as one client: an IPv4 address; of IPv6 the /64, since each host has all of one.
  IpAddress limit_group() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
  }
};

struct IpNetwork {
  IpAddress address;
  unsigned prefix_bits;  // of 128

  // `192.0.2.0/24`, `2001:db8::/32`, or one address.
  static std::optional<IpNetwork> parse(const std::string& text);

  bool contains(const IpAddress& other) const;
};

}  // namespace audit::httpd
