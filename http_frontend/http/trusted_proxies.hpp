// The client of a request that proxies pass on (X-Forwarded-For).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"

namespace audit::httpd {

// Any client can send the header, so it is read from right to left, as long as the senders are trusted proxies. The
// client is the first address that is not one.
class TrustedProxies {
 public:
  TrustedProxies() = default;
  // Addresses and networks, separated by commas. Nothing: one of them is neither.
  static std::optional<TrustedProxies> parse(const std::string& list);

  const std::string& text() const { return text_; }
  bool contains(const IpAddress& address) const;
  // `forwarded_for`: all headers of that name, joined by commas.
  IpAddress client_of(const IpAddress& peer, std::string_view forwarded_for) const;

 private:
  std::string text_;
  std::vector<IpNetwork> networks_;
};

}  // namespace audit::httpd
