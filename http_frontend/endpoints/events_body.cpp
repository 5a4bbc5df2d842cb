#include "endpoints/events_body.hpp"

#include <jansson.h>

#include <algorithm>
#include <string>

#include "base/json_value.hpp"
#include "core/json_faults.hpp"
#include "http/problem.hpp"
#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

Response unsupported_media_type() {
  Response response = problem(415, "Content-Type must be application/json or application/x-ndjson");
  response.headers.push_back({"Accept-Post", "application/json, application/x-ndjson"});
  return response;
}

Response not_json(const JsonFault& fault, EventsFormat format) {
  if (fault.kind == JsonFaultKind::none || format != EventsFormat::ndjson)
    return problem(400, "The body is not valid JSON");
  return problem(400, "Line " + std::to_string(fault.line) + " of the body is not valid JSON");
}

// A member's name as it is written, \u005f and all.
std::string name_of(std::string_view member) {
  if (member.find('\\') == std::string_view::npos) return std::string(member);
  const JsonPtr name(json_loads(("\"" + std::string(member) + "\"").c_str(), JSON_DECODE_ANY, nullptr));
  return name == nullptr ? "" : json_string_value(name.get());
}

}  // namespace

std::optional<EventsFormat> events_format(std::string_view content_type) {
  const std::string_view type = trim_http_space(content_type.substr(0, content_type.find(';')));
  if (equals_ignoring_case(type, "application/json")) return EventsFormat::json;
  if (equals_ignoring_case(type, "application/x-ndjson")) return EventsFormat::ndjson;
  return std::nullopt;
}

bool is_idempotency_key(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::optional<Response> header_problem(const Request& request) {
  if (!events_format(request.content_type)) return unsupported_media_type();
  if (request.idempotency_key.data() != nullptr && !is_idempotency_key(request.idempotency_key)) {
    return validation_problem({{"header", "Idempotency-Key", "Input should have 1 to 255 visible ASCII characters",
                                "string_pattern_mismatch"}});
  }
  return std::nullopt;
}

// The messages and types are those of the extension, and of pydantic.
Response body_problem(std::string_view body, EventsFormat format) {
  const JsonFault fault = find_json_fault(body, format == EventsFormat::ndjson);
  EventError error{fault.has_event ? std::optional(fault.event) : std::nullopt, name_of(fault.member), {}, {}};
  switch (fault.kind) {
    case JsonFaultKind::none:
    case JsonFaultKind::malformed: return not_json(fault, format);
    case JsonFaultKind::nul:
      error.message = "Text should be without U+0000";
      error.type = "string_unicode";
      break;
    case JsonFaultKind::surrogate:
      error.message = "Text should be without lone surrogates";
      error.type = "string_unicode";
      break;
    case JsonFaultKind::long_number:
      error.message = "Numbers should have at most 1000 digits when they are written out";
      error.type = "number_too_long";
      break;
    case JsonFaultKind::deep:
      error.message = "event_payload should be nested at most 64 levels deep";
      error.type = "nesting_too_deep";
      break;
  }
  return validation_problem(error);
}

Response encoding_problem() { return not_json({}, EventsFormat::json); }

}  // namespace audit::httpd
