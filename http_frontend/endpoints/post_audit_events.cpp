// POST /v1/audit/events: records events, all of them or none.
#include <algorithm>
#include <string>
#include <utility>

#include "auth/auth_problem.hpp"
#include "endpoints/answer_from_database.hpp"
#include "endpoints/endpoint.hpp"
#include "endpoints/events_body.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

// The subquery calls the function once for both columns. Its FROM runs before the call and sets the name.
constexpr const char* sql =
    "SELECT (r.log).answer, (r.log).status FROM (SELECT @schema@.audit_log_json(events => $1, is_ndjson => $2,"
    " user_id => $3, principal => $4, idempotency_key => $5) AS log"
    " FROM pg_catalog.set_config('application_name', $6, true)) r";

// The extension has made the body; other answers have none.
Response recorded_response(PgResult result) {
  const std::string status(result.value(0, 1).value_or(""));
  if (status == "403") return forbidden_to_write();
  if (status == "409") {
    return validation_problem(
        {{"header", "Idempotency-Key", "Key was used with another body", "idempotency_key_reused"}});
  }
  if (status == "413") return problem(413, "A request can have 10000 events");
  return json_response(status == "201" ? 201 : 422, std::move(result).into_body(0));
}

// PostgreSQL's errors for text that is not JSON, or that it cannot store: syntax, U+0000, not UTF-8, too large a
// number, too deep a nesting.
bool is_bad_json(const QueryFailure& failure) {
  constexpr std::string_view states[] = {"22P02", "22P05", "22021", "22003", "54000", "54001"};
  return failure.kind == QueryFailure::Kind::sql_error &&
         std::find(std::begin(states), std::end(states), failure.sqlstate) != std::end(states);
}

Response failure_response(const QueryFailure& failure, const Request& request) {
  if (!is_bad_json(failure)) return query_problem(failure, request);
  if (failure.sqlstate == "22021") return encoding_problem();
  return body_problem(request.body, events_format(request.content_type).value());
}

void record(const Call& call) {
  const Request& request = call.request();
  Parameters parameters;
  parameters.add_view(request.body);
  parameters.add_bool(events_format(request.content_type) == EventsFormat::ndjson);
  parameters.add_optional(call.principal->only_user());
  parameters.add_bytes(call.principal->name);
  if (request.idempotency_key.empty()) {
    parameters.add_null();
  } else {
    parameters.add_bytes(request.idempotency_key);
  }
  answer_from_database(call, std::move(parameters), recorded_response, failure_response, IfClientGoes::go_on);
}

void handle(const Call& call) {
  std::optional<Response> problem = header_problem(call.request());
  if (problem) return call.exchange->respond(std::move(*problem));
  call.services.unpacker.unpack(call.exchange, [call] { record(call); });
}

}  // namespace

Endpoint post_audit_events() {
  using enum SqlType;
  return {.method = "POST",
          .path = "/v1/audit/events",
          .access = Access::writers,
          .max_body_bytes = 10 * 1024 * 1024,
          .statement = {{"log", sql, {text, boolean, int8, text, text, text}, true}},
          .handle = handle};
}

}  // namespace audit::httpd
