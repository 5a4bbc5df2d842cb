// Finds the endpoint of a request, and does what comes before its handler: rate limits and authentication.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "endpoints/endpoints.hpp"
#include "endpoints/rate_limits.hpp"
#include "http/http_types.hpp"
#include "http/request_handler.hpp"

namespace audit::httpd {

class Router final : public RequestHandler {
 public:
  // With the endpoints of that listener. Only the service's requests count for `limits`, metrics and the log.
  Router(Listener listener, Services& services, RateLimits& limits)
      : listener_(listener), endpoints_(endpoints_of(listener)), services_(services), limits_(limits) {}

  // How large the body of a request may be, before it is read. A request without credentials may send
  // `small_body_bytes`.
  std::size_t max_body_bytes(const Request& request) const override;

  // Called before more of a body is read than any client may send. `admitted` is called if the caller may use the
  // route, then or later. Otherwise the exchange is answered. Does not throw.
  void admit(const ExchangePtr& exchange, std::function<void()> admitted) const noexcept override;

  // Responds in any case: 404, 405 and 429 itself. Does not throw.
  void dispatch(const ExchangePtr& exchange) const noexcept override;

  void finished(const Request& request, const RequestRecord& record) const override;

  // From now on every request is answered with 503, and the services may end.
  void stop() { is_stopped_ = true; }

 private:
  const Endpoint* find(const Request& request) const;
  void find_and_call(const ExchangePtr& exchange) const;
  void call(const Endpoint& endpoint, const ExchangePtr& exchange, std::string argument) const;

  Listener listener_;
  std::vector<Endpoint> endpoints_;
  Services& services_;
  RateLimits& limits_;
  bool is_stopped_ = false;
};

}  // namespace audit::httpd
