// Requests a second of each address and each principal: 429 beyond them, and the headers that say how many are left.
#pragma once

#include "auth/principal.hpp"
#include "endpoints/rate_limiter.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

class RateLimits {
 public:
  // Zero: no limit.
  RateLimits(unsigned address_requests_per_s, unsigned principal_requests_per_s)
      : addresses_(address_requests_per_s), principals_(principal_requests_per_s) {}

  void set(unsigned address_requests_per_s, unsigned principal_requests_per_s) {
    addresses_.set(address_requests_per_s);
    principals_.set(principal_requests_per_s);
  }

  // False: the exchange was answered with 429.
  bool admit_address(Exchange& exchange);
  bool admit_principal(Exchange& exchange, const Principal& principal);

 private:
  RateLimiter addresses_;
  RateLimiter principals_;
};

}  // namespace audit::httpd
