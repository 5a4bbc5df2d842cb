#include "endpoints/handle_health.hpp"

#include "http/problem.hpp"

namespace audit::httpd {

void handle_get_healthz(const ExchangePtr& exchange) { exchange->respond(json_response(200, R"({"status":"ok"})")); }

// The kind of problem only: the log has more, which may name hosts and roles.
void handle_get_readyz(const ExchangePtr& exchange, const PgPool& pool) {
  const std::optional<std::string_view> problem = pool.why_not_ready();
  exchange->respond(problem ? unavailable_problem(*problem, {}) : json_response(200, R"({"status":"ready"})"));
}

void handle_get_admin_readyz(const ExchangePtr& exchange, const PgPool& pool, MaintenanceWatch& maintenance) {
  if (pool.why_not_ready()) return handle_get_readyz(exchange, pool);
  const std::optional<MaintenanceStatus>& status = maintenance.status();
  exchange->respond(json_response(200, !status             ? R"({"status":"ready","maintenance":"unknown"})"
                                       : status->is_behind ? R"({"status":"ready","maintenance":"behind"})"
                                                           : R"({"status":"ready","maintenance":"ok"})"));
}

}  // namespace audit::httpd
