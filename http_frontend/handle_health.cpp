#include "handle_health.hpp"

#include "problem.hpp"

namespace audit::httpd {

void handle_get_healthz(const ExchangePtr& exchange) { exchange->respond(json_response(200, R"({"status":"ok"})")); }

// Why not is for the log: it may name hosts and roles.
void handle_get_readyz(const ExchangePtr& exchange, const PgPool& pool) {
  exchange->respond(pool.is_ready() ? json_response(200, R"({"status":"ready"})")
                                    : unavailable_problem("Database unavailable", {}));
}

void handle_get_admin_readyz(const ExchangePtr& exchange, const PgPool& pool, MaintenanceWatch& maintenance) {
  if (!pool.is_ready()) return handle_get_readyz(exchange, pool);
  const std::optional<MaintenanceStatus>& status = maintenance.status();
  exchange->respond(json_response(200, !status             ? R"({"status":"ready","maintenance":"unknown"})"
                                       : status->is_behind ? R"({"status":"ready","maintenance":"behind"})"
                                                           : R"({"status":"ready","maintenance":"ok"})"));
}

}  // namespace audit::httpd
