#include "endpoints/handle_get_audit_event.hpp"

#include <utility>

#include "auth/auth_problem.hpp"
#include "core/uuid_text.hpp"
#include "db/query_problem.hpp"
#include "endpoints/audit_events_query.hpp"
#include "endpoints/query_parameters.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

// An event that the caller may not see is one that does not exist.
Response event_response(PgResult result) {
  if (!result.value(0, answer_column)) return problem(404, "Not Found");
  return {200,
          {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-store"}},
          std::move(result).into_body(answer_column)};
}

std::vector<ValidationError> validate(const Request& request, const std::optional<Uuid>& id) {
  std::vector<ValidationError> errors;
  if (!id) errors.push_back({"path", "event_id", "Input should be a valid UUID", "uuid_parsing"});
  if (prefers_strict_handling(request.prefer)) add_unknown_parameters(parse_urlencoded(request.query), {}, errors);
  return errors;
}

}  // namespace

void handle_get_audit_event(const ExchangePtr& exchange, const PrincipalPtr& principal, const std::string& event_id,
                            PgPool& pool) {
  const std::optional<Uuid> id = parse_uuid(event_id);
  const std::vector<ValidationError> errors = validate(exchange->request(), id);
  if (!errors.empty()) return exchange->respond(validation_problem(errors));
  const bool sees_all = principal->scopes.read;
  if (!sees_all && !principal->user_id) return exchange->respond(forbidden());
  Query query = get_query(*id, sees_all ? std::nullopt : principal->user_id, *principal, exchange->request().id);
  const QueryId query_id =
      pool.run(std::move(query), Lane::normal, record_of(exchange), [exchange](QueryOutcome outcome) {
        if (auto* result = std::get_if<PgResult>(&outcome)) {
          exchange->respond(event_response(std::move(*result)));
        } else {
          exchange->respond(query_problem(std::get<QueryFailure>(outcome), exchange->request()));
        }
      });
  if (query_id != no_query) exchange->when_client_goes([&pool, query_id] { pool.cancel(query_id); });
}

}  // namespace audit::httpd
