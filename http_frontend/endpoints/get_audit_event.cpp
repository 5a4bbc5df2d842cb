// GET /v1/audit/events/{event_id}: one event.
#include <utility>

#include "core/uuid_text.hpp"
#include "endpoints/answer_from_database.hpp"
#include "endpoints/endpoint.hpp"
#include "endpoints/query_parameters.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

constexpr const char* sql =
    "SELECT pg_catalog.set_config('application_name', $3, true), @schema@.audit_get_json(id => $1, user_id => $2)";
constexpr int answer_column = 1;

// An event that the caller may not see is one that does not exist.
Response event_response(PgResult result) {
  if (!result.value(0, answer_column)) return problem(404, "Not Found");
  return json_response(200, std::move(result).into_body(answer_column));
}

std::vector<ValidationError> validate(const Request& request, const std::optional<Uuid>& id) {
  std::vector<ValidationError> errors;
  if (!id) errors.push_back({"path", "event_id", "Input should be a valid UUID", "uuid_parsing"});
  if (prefers_strict_handling(request.prefer)) add_unknown_parameters(parse_urlencoded(request.query), {}, errors);
  return errors;
}

void handle(const Call& call) {
  const std::optional<Uuid> id = parse_uuid(call.argument);
  const std::vector<ValidationError> errors = validate(call.request(), id);
  if (!errors.empty()) return call.exchange->respond(validation_problem(errors));
  Parameters parameters;
  parameters.add_bytes({reinterpret_cast<const char*>(id->data()), id->size()});
  parameters.add_optional(call.principal->only_user());
  answer_from_database(call, std::move(parameters), event_response);
}

}  // namespace

Endpoint get_audit_event() {
  using enum SqlType;
  return {.method = "GET",
          .path = "/v1/audit/events/{event_id}",
          .access = Access::readers,
          .statement = {{"get", sql, {uuid, int8, text}}},
          .handle = handle};
}

}  // namespace audit::httpd
