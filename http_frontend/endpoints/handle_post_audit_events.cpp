#include "endpoints/handle_post_audit_events.hpp"

#include <jansson.h>

#include <algorithm>
#include <string>
#include <utility>

#include "auth/auth_problem.hpp"
#include "base/json_value.hpp"
#include "core/json_faults.hpp"
#include "db/query_problem.hpp"
#include "endpoints/audit_events_query.hpp"
#include "http/problem.hpp"
#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

Response unsupported_media_type() {
  Response response = problem(415, "Content-Type must be application/json or application/x-ndjson");
  response.headers.push_back({"Accept-Post", "application/json, application/x-ndjson"});
  return response;
}

std::optional<Response> refuse(const Request& request) {
  if (!request.content_encoding.empty() && !equals_ignoring_case(request.content_encoding, "identity")) {
    return problem(415, "Content-Encoding is not supported");
  }
  if (!events_format(request.content_type)) return unsupported_media_type();
  if (request.idempotency_key.data() != nullptr && !is_idempotency_key(request.idempotency_key)) {
    return validation_problem({{"header", "Idempotency-Key", "Input should have 1 to 255 visible ASCII characters",
                                "string_pattern_mismatch"}});
  }
  return std::nullopt;
}

// The extension has made the body; other answers have none.
Response response_of(PgResult result) {
  const std::string status(result.value(0, 1).value_or(""));
  if (status == "403") return forbidden_to_write();
  if (status == "409") {
    return validation_problem(
        {{"header", "Idempotency-Key", "Key was used with another body", "idempotency_key_reused"}});
  }
  if (status == "413") return problem(413, "A request can have 10000 events");
  return {status == "201" ? 201 : 422,
          {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-store"}},
          std::move(result).into_body(0)};
}

// What PostgreSQL raises for text that is no JSON, or none that it can hold: syntax, U+0000, no UTF-8, a number that is
// too large, too deep.
bool is_bad_json(const QueryFailure& failure) {
  constexpr std::string_view states[] = {"22P02", "22P05", "22021", "22003", "54000", "54001"};
  return failure.kind == QueryFailure::Kind::sql_error &&
         std::find(std::begin(states), std::end(states), failure.sqlstate) != std::end(states);
}

Response not_json(const JsonFault& fault, bool is_ndjson) {
  if (fault.kind == JsonFaultKind::none || !is_ndjson) return problem(400, "The body is not valid JSON");
  return problem(400, "Line " + std::to_string(fault.line) + " of the body is not valid JSON");
}

// A member's name as it is written, \u005f and all.
std::string name_of(std::string_view member) {
  if (member.find('\\') == std::string_view::npos) return std::string(member);
  const JsonPtr name(json_loads(("\"" + std::string(member) + "\"").c_str(), JSON_DECODE_ANY, nullptr));
  return name == nullptr ? "" : json_string_value(name.get());
}

// The messages and types are those of the extension, and of pydantic.
Response bad_json(std::string_view body, bool is_ndjson) {
  const JsonFault fault = find_json_fault(body, is_ndjson);
  EventError error{fault.has_event ? std::optional(fault.event) : std::nullopt, name_of(fault.member), {}, {}};
  switch (fault.kind) {
    case JsonFaultKind::none:
    case JsonFaultKind::malformed: return not_json(fault, is_ndjson);
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

Response failed(const QueryFailure& failure, const Request& request) {
  if (!is_bad_json(failure)) return query_problem(failure, request);
  const bool is_ndjson = events_format(request.content_type) == EventsFormat::ndjson;
  if (failure.sqlstate == "22021") return not_json({}, is_ndjson);
  return bad_json(request.body, is_ndjson);
}

}  // namespace

void handle_post_audit_events(const ExchangePtr& exchange, const PrincipalPtr& principal, PgPool& pool) {
  const Request& request = exchange->request();
  if (std::optional<Response> refusal = refuse(request)) return exchange->respond(std::move(*refusal));
  EventsToLog events{request.body, events_format(request.content_type) == EventsFormat::ndjson, std::nullopt,
                     std::nullopt};
  // Who may read everything is not bound to events of its own.
  if (!principal->scopes.read) events.user_id = principal->user_id;
  if (!request.idempotency_key.empty()) events.idempotency_key = std::string(request.idempotency_key);
  pool.run(log_query(events, *principal, request.id), Lane::normal, record_of(exchange),
           [exchange](QueryOutcome outcome) {
             if (auto* result = std::get_if<PgResult>(&outcome)) {
               exchange->respond(response_of(std::move(*result)));
             } else {
               exchange->respond(failed(std::get<QueryFailure>(outcome), exchange->request()));
             }
           });
}

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

}  // namespace audit::httpd
