#include "endpoints/router.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <optional>
#include <utility>

#include "base/urlencoded.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

// The argument (empty for paths without one), or nothing where the path is another.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const std::size_t brace = pattern.find('{');
  if (brace == std::string_view::npos) return path == pattern ? std::optional<std::string>("") : std::nullopt;
  if (path.size() <= brace || path.substr(0, brace) != pattern.substr(0, brace)) return std::nullopt;
  const std::string_view segment = path.substr(brace);
  return segment.find('/') == std::string_view::npos ? std::optional(percent_decode(segment)) : std::nullopt;
}

Response method_not_allowed(const std::string& allowed) {
  Response response = problem(405, "Method Not Allowed");
  response.headers.push_back({"Allow", allowed});
  return response;
}

// A response to give even when a handler fails: each exchange is answered exactly once.
void respond_to_failure(const ExchangePtr& exchange, const char* what) {
  spdlog::error("request {}: {}", exchange->request().id, what);
  exchange->respond(problem(500, "Internal Server Error"));
}

Authenticator::Action action_of(Router::Access access) {
  return access == Router::Access::writers ? Authenticator::Action::write : Authenticator::Action::read;
}

}  // namespace

const Router::Route* Router::find(const Request& request) const {
  for (const Route& route : routes_)
    if (route.method == request.method && match(route.path, request.path)) return &route;
  return nullptr;
}

std::size_t Router::max_body_bytes(const Request& request) const {
  const bool is_anonymous =
      request.authorization.empty() && request.api_key.empty() && request.client_certificate == nullptr;
  const Route* route = find(request);
  if (route == nullptr || (is_anonymous && route->access != Access::open)) return default_max_body_bytes;
  return route->max_body_bytes;
}

void Router::admit(const ExchangePtr& exchange, std::function<void()> admitted) const noexcept {
  try {
    const Route* route = find(exchange->request());
    if (route == nullptr || route->access == Access::open) return admitted();
    authenticator_.admit(exchange, action_of(route->access),
                         [admitted = std::move(admitted)](const PrincipalPtr&) { admitted(); });
  } catch (const std::exception& error) {
    respond_to_failure(exchange, error.what());
  }
}

void Router::dispatch(const ExchangePtr& exchange) const noexcept {
  try {
    find_and_call(exchange);
  } catch (const std::exception& error) {
    respond_to_failure(exchange, error.what());
  }
}

void Router::find_and_call(const ExchangePtr& exchange) const {
  if (!limits_.admit_address(*exchange)) return;
  const Request& request = exchange->request();
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Route& route : routes_) {
    std::optional<std::string> argument = match(route.path, request.path);
    if (!argument) continue;
    exchange->record().route = route.path;
    if (route.method == method) return call(route, exchange, std::move(*argument));
    allowed.append(allowed.empty() ? "" : ", ").append(route.method == "GET" ? "GET, HEAD" : route.method);
  }
  exchange->respond(allowed.empty() ? problem(404, "Not Found") : method_not_allowed(allowed));
}

void Router::call(const Route& route, const ExchangePtr& exchange, std::string argument) const {
  if (route.access == Access::open) return route.handler(exchange, nullptr, argument);
  authenticator_.admit(exchange, action_of(route.access),
                       [this, &route, exchange, argument = std::move(argument)](const PrincipalPtr& principal) {
                         if (limits_.admit_principal(*exchange, *principal))
                           route.handler(exchange, principal, argument);
                       });
}

}  // namespace audit::httpd
