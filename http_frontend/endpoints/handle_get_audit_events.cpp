#include "endpoints/handle_get_audit_events.hpp"

#include <utility>

#include "auth/auth_problem.hpp"
#include "db/query_problem.hpp"
#include "endpoints/audit_events_query.hpp"
#include "endpoints/query_parameters.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

Response page_response(PgResult result, const Request& request, bool is_strict) {
  Response response{200,
                    {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-store"}},
                    std::move(result).into_body(answer_column)};
  const std::string_view cursor = next_cursor_of(response.body.bytes());
  if (!cursor.empty()) {
    const std::string target = request.path + "?" + query_with_cursor(request.query, cursor);
    response.headers.push_back({"Link", "<" + target + ">; rel=\"next\""});
  }
  if (is_strict) response.headers.push_back({"Preference-Applied", "handling=strict"});
  return response;
}

// Whoever may read only events of his own asks for those, whether the query says so or not.
bool keep_to_own_events(const Principal& principal, EventListParameters& parameters) {
  if (principal.scopes.read) return true;
  if (!principal.user_id || parameters.user_id.value_or(*principal.user_id) != *principal.user_id) return false;
  parameters.user_id = principal.user_id;
  return true;
}

}  // namespace

void handle_get_audit_events(const ExchangePtr& exchange, const PrincipalPtr& principal, PgPool& pool) {
  const bool is_strict = prefers_strict_handling(exchange->request().prefer);
  ParsedListParameters parsed = parse_list_parameters(exchange->request().query, is_strict);
  if (!parsed.errors.empty()) return exchange->respond(validation_problem(parsed.errors));
  if (!keep_to_own_events(*principal, parsed.parameters)) return exchange->respond(forbidden());
  const QueryId id =
      pool.run(list_query(parsed.parameters, *principal, exchange->request().id), Lane::normal, record_of(exchange),
               [exchange, is_strict](QueryOutcome outcome) {
                 if (auto* result = std::get_if<PgResult>(&outcome)) {
                   exchange->respond(page_response(std::move(*result), exchange->request(), is_strict));
                 } else {
                   exchange->respond(query_problem(std::get<QueryFailure>(outcome), exchange->request()));
                 }
               });
  if (id != no_query) exchange->when_client_goes([&pool, id] { pool.cancel(id); });
}

std::string_view next_cursor_of(std::string_view body) {
  constexpr std::string_view end = "\"}";
  constexpr std::string_view name = "\"next_cursor\":";
  if (body.size() < end.size() || body.substr(body.size() - end.size()) != end) return {};
  body.remove_suffix(end.size());
  const std::size_t quote = body.rfind('"');
  if (quote == std::string_view::npos || quote < name.size()) return {};
  if (body.substr(quote - name.size(), name.size()) != name) return {};
  return body.substr(quote + 1);
}

}  // namespace audit::httpd
