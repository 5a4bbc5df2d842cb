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

// What the headers alone are refused for.
std::optional<Response> header_problem(const Request& request);

// The answer where the database takes the body for no JSON, or for none that it can hold: names the place.
Response body_problem(std::string_view body, EventsFormat format);

// The same where the body is not UTF-8.
Response encoding_problem();

}  // namespace audit::httpd
