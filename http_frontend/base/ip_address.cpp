#include "base/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace audit::httpd {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 96;

IpAddress mapped(const in_addr& address) {
  IpAddress made;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), made.bytes.begin());
  const auto* octets = reinterpret_cast<const std::uint8_t*>(&address);
  std::copy(octets, octets + sizeof address, made.bytes.begin() + mapped_prefix.size());
  return made;
}

IpAddress plain(const in6_addr& address) {
  IpAddress made;
  std::copy(std::begin(address.s6_addr), std::end(address.s6_addr), made.bytes.begin());
  return made;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(const std::string& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;  // inet_pton would stop there
  in_addr ipv4;
  if (inet_pton(AF_INET, text.c_str(), &ipv4) == 1) return mapped(ipv4);
  in6_addr ipv6;
  if (inet_pton(AF_INET6, text.c_str(), &ipv6) == 1) return plain(ipv6);
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  if (address->sa_family == AF_INET) return mapped(reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  if (address->sa_family == AF_INET6) return plain(reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
  return std::nullopt;
}

bool IpAddress::is_ipv4() const { return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin()); }

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool is_mapped = is_ipv4();
  inet_ntop(is_mapped ? AF_INET : AF_INET6, bytes.data() + (is_mapped ? mapped_prefix.size() : 0), text.data(),
            text.size());
  return text.data();
}

IpAddress IpAddress::limit_group() const {
  IpAddress group = *this;
  if (!is_ipv4()) std::fill(group.bytes.begin() + 8, group.bytes.end(), std::uint8_t{0});
  return group;
}

std::optional<IpNetwork> IpNetwork::parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string::npos) return IpNetwork{*address, 128};
  const bool is_ipv4 = text.find(':') == std::string::npos;
  unsigned bits = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + slash + 1, end, bits);
  if (parsed.ec != std::errc() || parsed.ptr != end || bits > (is_ipv4 ? 32U : 128U)) return std::nullopt;
  return IpNetwork{*address, is_ipv4 ? mapped_bits + bits : bits};
}

bool IpNetwork::contains(const IpAddress& other) const {
  const std::size_t whole = prefix_bits / 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, other.bytes.begin())) return false;
  const unsigned rest = prefix_bits % 8;
  return rest == 0 || ((address.bytes[whole] ^ other.bytes[whole]) >> (8 - rest)) == 0;
}

}  // namespace audit::httpd
