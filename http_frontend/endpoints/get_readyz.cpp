// GET /readyz: the daemon can serve, which takes a database. On the admin listener it also reports whether maintenance
// of the trail is behind, which is no reason not to serve.
#include "endpoints/endpoint.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

// The kind of problem only: the log has more, which may name hosts and roles.
void handle(const Call& call) {
  const std::optional<std::string_view> problem = call.services.pool.why_not_ready();
  call.exchange->respond(problem ? unavailable_problem(*problem, {}) : json_response(200, R"({"status":"ready"})"));
}

void handle_admin(const Call& call) {
  if (call.services.pool.why_not_ready()) return handle(call);
  const std::optional<MaintenanceStatus>& status = call.services.maintenance.status();
  call.exchange->respond(json_response(200, !status             ? R"({"status":"ready","maintenance":"unknown"})"
                                            : status->is_behind ? R"({"status":"ready","maintenance":"behind"})"
                                                                : R"({"status":"ready","maintenance":"ok"})"));
}

}  // namespace

Endpoint get_readyz() { return {.method = "GET", .path = "/readyz", .access = Access::anonymous, .handle = handle}; }

Endpoint get_admin_readyz() {
  return {.listener = Listener::admin,
          .method = "GET",
          .path = "/readyz",
          .access = Access::anonymous,
          .handle = handle_admin};
}

}  // namespace audit::httpd
