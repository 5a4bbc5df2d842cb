// GET /healthz: the process lives. GET /readyz: it can serve, which takes a database.
#pragma once

#include "db/pg_pool.hpp"
#include "http/http_types.hpp"
#include "watch/maintenance_watch.hpp"

namespace audit::httpd {

void handle_get_healthz(const ExchangePtr& exchange);
void handle_get_readyz(const ExchangePtr& exchange, const PgPool& pool);
// Tells as well whether maintenance of the trail is behind, which is no reason not to serve.
void handle_get_admin_readyz(const ExchangePtr& exchange, const PgPool& pool, MaintenanceWatch& maintenance);

}  // namespace audit::httpd
