// GET /healthz: the process lives. GET /readyz: it can serve, which takes a database.
#pragma once

#include "db/pg_pool.hpp"
#include "http_types.hpp"

namespace audit::httpd {

void handle_get_healthz(const ExchangePtr& exchange);
void handle_get_readyz(const ExchangePtr& exchange, const PgPool& pool);

}  // namespace audit::httpd
