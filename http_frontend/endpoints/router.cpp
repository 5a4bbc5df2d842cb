#include "endpoints/router.hpp"

#include <spdlog/spdlog.h>

#include <exception>
#include <optional>
#include <utility>

#include "base/urlencoded.hpp"
#include "http/problem.hpp"
#include "watch/log.hpp"

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

// A late request on an old connection.
Response stopping() { return unavailable_problem("The service is stopping", "stopping"); }

Authenticator::Action action_of(const Endpoint& endpoint) {
  return endpoint.access == Access::writers ? Authenticator::Action::write : Authenticator::Action::read;
}

}  // namespace

const Endpoint* Router::find(const Request& request) const {
  for (const Endpoint& endpoint : endpoints_)
    if (endpoint.method == request.method && match(endpoint.path, request.path)) return &endpoint;
  return nullptr;
}

std::size_t Router::max_body_bytes(const Request& request) const {
  const bool is_anonymous =
      request.authorization.empty() && request.api_key.empty() && request.client_certificate == nullptr;
  const Endpoint* endpoint = find(request);
  if (endpoint == nullptr || (is_anonymous && endpoint->access != Access::anonymous)) return small_body_bytes;
  return endpoint->max_body_bytes;
}

void Router::admit(const ExchangePtr& exchange, std::function<void()> admitted) const noexcept {
  try {
    if (is_stopped_) return exchange->respond(stopping());
    const Endpoint* endpoint = find(exchange->request());
    if (endpoint == nullptr || endpoint->access == Access::anonymous) return admitted();
    services_.authenticator.admit(exchange, action_of(*endpoint),
                                  [admitted = std::move(admitted)](const PrincipalPtr&) { admitted(); });
  } catch (const std::exception& error) {
    respond_to_failure(exchange, error.what());
  }
}

void Router::dispatch(const ExchangePtr& exchange) const noexcept {
  try {
    if (is_stopped_) return exchange->respond(stopping());
    find_and_call(exchange);
  } catch (const std::exception& error) {
    respond_to_failure(exchange, error.what());
  }
}

void Router::finished(const Request& request, const RequestRecord& record) const {
  if (listener_ != Listener::service) return;
  services_.metrics.count(record);
  log_request(request, record);
}

void Router::find_and_call(const ExchangePtr& exchange) const {
  if (listener_ == Listener::service && !limits_.admit_address(*exchange)) return;
  const Request& request = exchange->request();
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Endpoint& endpoint : endpoints_) {
    std::optional<std::string> argument = match(endpoint.path, request.path);
    if (!argument) continue;
    exchange->record().route = endpoint.path;
    if (endpoint.method == method) return call(endpoint, exchange, std::move(*argument));
    allowed.append(allowed.empty() ? "" : ", ").append(endpoint.method == "GET" ? "GET, HEAD" : endpoint.method);
  }
  exchange->respond(allowed.empty() ? problem(404, "Not Found") : method_not_allowed(allowed));
}

void Router::call(const Endpoint& endpoint, const ExchangePtr& exchange, std::string argument) const {
  Call call{endpoint, exchange, nullptr, std::move(argument), services_};
  if (endpoint.access == Access::anonymous) return endpoint.handle(call);
  services_.authenticator.admit(
      exchange, action_of(endpoint), [this, call = std::move(call)](const PrincipalPtr& principal) mutable {
        if (listener_ == Listener::service && !limits_.admit_principal(*call.exchange, *principal)) return;
        call.principal = principal;
        call.endpoint.handle(call);
      });
}

}  // namespace audit::httpd
