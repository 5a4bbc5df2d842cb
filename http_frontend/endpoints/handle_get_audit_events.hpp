// GET /v1/audit/events: a page of events.
#pragma once

#include <string_view>

#include "auth/principal.hpp"
#include "db/pg_pool.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

void handle_get_audit_events(const ExchangePtr& exchange, const PrincipalPtr& principal, PgPool& pool);

// The cursor at the end of a page's body, which the extension writes as `…,"next_cursor":"…"}` or `…:null}`; empty: the
// last page. Looks at the end only, since a body can be large.
std::string_view next_cursor_of(std::string_view body);

}  // namespace audit::httpd
