// What a server grants its clients at most.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/memory_size.hpp"
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
  MemorySize body_memory = MemorySize::megabytes(64);     // of all requests together
  MemorySize answer_memory = MemorySize::megabytes(256);  // of all large answers that are being sent
  std::size_t gzip_min_bytes = 1024;                      // of a body that may be compressed; 0: none is
  TrustedProxies trusted_proxies;
};

}  // namespace audit::httpd
