// Finds the endpoint that a request is for, and what has to be done before its handler is called.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "endpoints/endpoint.hpp"
#include "endpoints/rate_limits.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

class Router {
 public:
  // `limits`: null for none.
  Router(std::vector<Endpoint> endpoints, Services& services, RateLimits* limits)
      : endpoints_(std::move(endpoints)), services_(services), limits_(limits) {}

  // How large the body of a request may be, before it is read. One without credentials, which will be refused, has no
  // claim to more than anybody.
  std::size_t max_body_bytes(const Request& request) const;

  // Before more of a body is read than is anybody's: `admitted` is called if the caller may use the route, then or
  // later; else the exchange is answered. Does not throw.
  void admit(const ExchangePtr& exchange, std::function<void()> admitted) const noexcept;

  // Responds in any case: 404, 405 and 429 itself. Does not throw.
  void dispatch(const ExchangePtr& exchange) const noexcept;

  // From now on every request is answered with 503, and the services may end.
  void stop() { is_stopped_ = true; }

 private:
  const Endpoint* find(const Request& request) const;
  void find_and_call(const ExchangePtr& exchange) const;
  void call(const Endpoint& endpoint, const ExchangePtr& exchange, std::string argument) const;

  std::vector<Endpoint> endpoints_;
  Services& services_;
  RateLimits* limits_;
  bool is_stopped_ = false;
};

}  // namespace audit::httpd
