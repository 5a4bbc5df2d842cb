// POST /v1/audit/events: records events, all of them or none.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "auth/principal.hpp"
#include "db/pg_pool.hpp"
#include "http/http_types.hpp"

namespace audit::httpd {

constexpr std::size_t max_events_body_bytes = 10 * 1024 * 1024;

void handle_post_audit_events(const ExchangePtr& exchange, const PrincipalPtr& principal, PgPool& pool);

enum class EventsFormat { json, ndjson };

// Nothing: another media type. What comes behind a semicolon does not matter, since JSON is always UTF-8.
std::optional<EventsFormat> events_format(std::string_view content_type);

// 1 to 255 visible ASCII characters.
bool is_idempotency_key(std::string_view text);

}  // namespace audit::httpd
