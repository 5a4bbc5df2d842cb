// Which handler a method and a path belong to, and whether it needs to know who asks.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/authenticator.hpp"
#include "auth/principal.hpp"
#include "endpoints/rate_limits.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

class Router {
 public:
  // The principal is null on public routes; `argument` is what the path has in place of `{…}`, percent-decoded.
  using Handler = std::function<void(const ExchangePtr&, const PrincipalPtr&, const std::string& argument)>;
  enum class Access { open, readers, writers };

  struct Route {
    std::string_view method;  // GET stands for HEAD, too
    std::string_view path;    // may end in `/{…}`, which matches one segment
    Access access;
    Handler handler;
    std::size_t max_body_bytes = default_max_body_bytes;
  };
  static constexpr std::size_t default_max_body_bytes = small_body_bytes;

  Router(Authenticator& authenticator, RateLimits& limits, std::vector<Route> routes)
      : authenticator_(authenticator), limits_(limits), routes_(std::move(routes)) {}

  // How large the body of a request may be, before it is read. One without credentials, which will be refused, has no
  // claim to more than the default.
  std::size_t max_body_bytes(const Request& request) const;

  // Before more of a body is read than is anybody's: `admitted` is called if the caller may use the route, then or
  // later; else the exchange is answered. Does not throw.
  void admit(const ExchangePtr& exchange, std::function<void()> admitted) const noexcept;

  // Responds in any case: 404, 405 and 429 itself. Does not throw.
  void dispatch(const ExchangePtr& exchange) const noexcept;

 private:
  const Route* find(const Request& request) const;
  void find_and_call(const ExchangePtr& exchange) const;
  void call(const Route& route, const ExchangePtr& exchange, std::string argument) const;

  Authenticator& authenticator_;
  RateLimits& limits_;
  std::vector<Route> routes_;
};

}  // namespace audit::httpd
