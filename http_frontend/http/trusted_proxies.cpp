#include "http/trusted_proxies.hpp"

#include <algorithm>
#include <sstream>

#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

// Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`.
std::optional<IpAddress> parse_entry(std::string_view entry) {
  entry = trim_http_space(entry);
  if (!entry.empty() && entry.front() == '[') {
    entry = entry.substr(1, entry.find(']') - 1);
  } else if (std::count(entry.begin(), entry.end(), ':') == 1) {
    entry = entry.substr(0, entry.find(':'));
  }
  return IpAddress::parse(std::string(entry));
}

}  // namespace

std::optional<TrustedProxies> TrustedProxies::parse(const std::string& list) {
  TrustedProxies proxies;
  proxies.text_ = list;
  std::istringstream entries(list);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const std::optional<IpNetwork> network = IpNetwork::parse(std::string(trim_http_space(entry)));
    if (!network) return std::nullopt;
    proxies.networks_.push_back(*network);
  }
  return proxies;
}

bool TrustedProxies::contains(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(), [&](const auto& one) { return one.contains(address); });
}

IpAddress TrustedProxies::client_of(const IpAddress& peer, std::string_view forwarded_for) const {
  IpAddress client = peer;
  while (contains(client) && !forwarded_for.empty()) {
    const std::size_t comma = forwarded_for.rfind(',');
    const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    const std::string_view entry = forwarded_for.substr(begin);
    forwarded_for = forwarded_for.substr(0, comma == std::string_view::npos ? 0 : comma);
    if (trim_http_space(entry).empty()) continue;
    const std::optional<IpAddress> address = parse_entry(entry);
    if (!address) return client;  // "unknown", or nonsense: what is left of it says nothing
    client = *address;
  }
  return client;
}

}  // namespace audit::httpd
