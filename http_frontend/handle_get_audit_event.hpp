// GET /v1/audit/events/{event_id}: one event.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/principal.hpp"
#include "db/audit_events_query.hpp"
#include "db/pg_pool.hpp"
#include "http_types.hpp"

namespace audit::httpd {

void handle_get_audit_event(const ExchangePtr& exchange, const PrincipalPtr& principal, const std::string& event_id,
                            PgPool& pool);

// The usual form with hyphens, or 32 hexadecimal digits; letters in any case.
std::optional<Uuid> parse_uuid(std::string_view text);

}  // namespace audit::httpd
