// GET /metrics, on the admin listener.
#include "endpoints/endpoint.hpp"

namespace audit::httpd {
namespace {

void handle(const Call& call) {
  Services& services = call.services;
  const std::string text = services.metrics.text({services.pool.use(), services.authenticator.cache_use(),
                                                  services.http_connections(), services.maintenance.status()});
  call.exchange->respond({200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, Body(text)});
}

}  // namespace

Endpoint get_metrics() {
  return {
      .listener = Listener::admin, .method = "GET", .path = "/metrics", .access = Access::anonymous, .handle = handle};
}

}  // namespace audit::httpd
