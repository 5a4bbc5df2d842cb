// The body of POST /v1/audit/events, and what can be wrong with it.
#pragma once

#include <optional>
#include <string_view>

#include "http/http_types.hpp"

namespace audit::httpd {

enum class EventsFormat { json, ndjson };

// Nothing: another media type. What comes behind a semicolon does not matter, since JSON is always UTF-8.
std::optional<EventsFormat> events_format(std::string_view content_type);

// 1 to 255 visible ASCII characters.
bool is_idempotency_key(std::string_view text);

// The answer to a request whose headers alone are wrong.
std::optional<Response> header_problem(const Request& request);

// The answer to a body that the database rejects: it is no JSON, or JSON that the database cannot hold. Names the
// place.
Response body_problem(std::string_view body, EventsFormat format);

// The answer to a body that is not UTF-8.
Response encoding_problem();

}  // namespace audit::httpd
