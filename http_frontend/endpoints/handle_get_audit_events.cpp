#include "endpoints/handle_get_audit_events.hpp"

#include <utility>

#include "auth/auth_problem.hpp"
#include "db/query_problem.hpp"
#include "endpoints/audit_events_query.hpp"
#include "endpoints/query_parameters.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

Response page_response(PgResult result, const std::string& path, const std::vector<NameValue>& query, bool is_strict) {
  Response response{200,
                    {{"Content-Type", "application/json"}, {"Cache-Control", "private, no-store"}},
                    std::move(result).into_body(answer_column)};
  const std::string_view cursor = next_cursor_of(response.body.bytes());
  if (!cursor.empty()) {
    const std::string target = path + "?" + query_with_cursor(query, cursor);
    response.headers.push_back({"Link", "<" + target + ">; rel=\"next\""});
  }
  if (is_strict) response.headers.push_back({"Preference-Applied", "handling=strict"});
  return response;
}

// Whoever may read only events of his own asks for those, whether the query says so or not.
bool keep_to_own_events(const Principal& principal, EventFilters& filters) {
  constexpr std::size_t user_id_filter = filter_of_column(event_column_named("user_id"));
  if (principal.scopes.read) return true;
  std::optional<FilterValue>& user_id = filters.values[user_id_filter];
  if (!principal.user_id || (user_id && user_id->number != *principal.user_id)) return false;
  user_id = FilterValue{*principal.user_id, {}};
  return true;
}

}  // namespace

void handle_get_audit_events(const ExchangePtr& exchange, const PrincipalPtr& principal, PgPool& pool) {
  const bool is_strict = prefers_strict_handling(exchange->request().prefer);
  std::vector<NameValue> query = parse_urlencoded(exchange->request().query);
  ParsedListParameters parsed = parse_list_parameters(query, is_strict);
  if (!parsed.errors.empty()) return exchange->respond(validation_problem(parsed.errors));
  if (!keep_to_own_events(*principal, parsed.parameters.filters)) return exchange->respond(forbidden());
  Query page = list_query(parsed.parameters, *principal, exchange->request().id);
  const QueryId id =
      pool.run(std::move(page), Lane::normal, record_of(exchange),
               [exchange, query = std::move(query), is_strict](QueryOutcome outcome) {
                 if (auto* result = std::get_if<PgResult>(&outcome)) {
                   exchange->respond(page_response(std::move(*result), exchange->request().path, query, is_strict));
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
