// X-Forwarded-For. The first line has the trusted proxies, the second the peer's address, the rest is the header.
#include <string>

#include "fuzz.hpp"
#include "http/trusted_proxies.hpp"

namespace {

using namespace audit::httpd;
using audit::fuzz::require;

void require_client(const TrustedProxies& proxies, const IpAddress& peer, std::string_view forwarded_for) {
  const IpAddress client = proxies.client_of(peer, forwarded_for);
  require(IpAddress::parse(client.text()) == client);
  require(client.limit_group().limit_group() == client.limit_group());
  if (!proxies.contains(peer)) require(client == peer);
  // What a client puts before what our proxies add does not make it another.
  if (!proxies.contains(client)) {
    require(proxies.client_of(peer, "198.51.100.1," + std::string(forwarded_for)) == client);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view header = audit::fuzz::as_text(data, size);
  const auto proxies = TrustedProxies::parse(std::string(audit::fuzz::take_line(header)));
  const auto peer = IpAddress::parse(std::string(audit::fuzz::take_line(header)));
  if (proxies && peer) require_client(*proxies, *peer, header);
  return 0;
}
