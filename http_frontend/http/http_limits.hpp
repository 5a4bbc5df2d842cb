// How much of what a server grants its clients.
#pragma once

#include <chrono>
#include <cstddef>

#include "http/trusted_proxies.hpp"

namespace audit::httpd {

struct HttpLimits {
  unsigned connections = 4096;
  unsigned connections_per_address = 1024;
  std::size_t head_bytes = 10 * 1024;
  std::size_t target_bytes = 8 * 1024;
  std::size_t body_bytes = 10 * 1024 * 1024;  // whatever the route allows
  std::chrono::seconds receive_timeout{30};
  unsigned answer_bytes_per_s = 32 * 1024;  // that a client takes at least, after receive_timeout
  std::chrono::seconds idle_timeout{60};
  std::size_t body_memory_bytes = 64 * 1024 * 1024;     // of all requests together
  std::size_t answer_memory_bytes = 256 * 1024 * 1024;  // of all large answers that are being sent
  std::size_t gzip_min_bytes = 0;                       // of a body that may be compressed; 0: none is
  TrustedProxies trusted_proxies;
};

}  // namespace audit::httpd
