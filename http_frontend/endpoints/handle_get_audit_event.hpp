// GET /v1/audit/events/{event_id}: one event.
#pragma once

#include <string>

#include "auth/principal.hpp"
#include "db/pg_pool.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

void handle_get_audit_event(const ExchangePtr& exchange, const PrincipalPtr& principal, const std::string& event_id,
                            PgPool& pool);

}  // namespace audit::httpd
