// GET /v1/audit/events: a page of events.
#include <utility>

#include "auth/auth_problem.hpp"
#include "endpoints/answer_from_database.hpp"
#include "endpoints/audit_events_query.hpp"
#include "endpoints/endpoint.hpp"
#include "endpoints/next_page.hpp"
#include "endpoints/query_parameters.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

Response page_response(PgResult result, const std::string& path, const std::vector<NameValue>& query, bool is_strict) {
  Response response = json_response(200, std::move(result).into_body(answer_column));
  const std::string_view cursor = next_cursor_of(response.body.bytes());
  if (!cursor.empty()) {
    const std::string target = path + "?" + query_with_cursor(query, cursor);
    response.headers.push_back({"Link", "<" + target + ">; rel=\"next\""});
  }
  if (is_strict) response.headers.push_back({"Preference-Applied", "handling=strict"});
  return response;
}

// A caller that may read only its own events asks for those, whether the query says so or not.
bool keep_to_own_events(const Principal& principal, EventFilters& filters) {
  constexpr std::size_t user_id_filter = filter_of_column(event_column_named("user_id"));
  const std::optional<std::int64_t> own = principal.only_user();
  if (!own) return true;
  std::optional<FilterValue>& user_id = filters.values[user_id_filter];
  if (user_id && user_id->number != *own) return false;
  user_id = FilterValue{*own, {}};
  return true;
}

void handle(const Call& call) {
  const Request& request = call.request();
  const bool is_strict = prefers_strict_handling(request.prefer);
  std::vector<NameValue> query = parse_urlencoded(request.query);
  ParsedListParameters parsed = parse_list_parameters(query, is_strict);
  if (!parsed.errors.empty()) return call.exchange->respond(validation_problem(parsed.errors));
  if (!keep_to_own_events(*call.principal, parsed.parameters.filters)) return call.exchange->respond(forbidden());
  Query page = list_query(parsed.parameters, *call.principal, request.id);
  answer_from_database(call, std::move(page), [&request, query = std::move(query), is_strict](PgResult result) {
    return page_response(std::move(result), request.path, query, is_strict);
  });
}

}  // namespace

Endpoint get_audit_events() {
  return {.method = "GET", .path = "/v1/audit/events", .access = Access::readers, .handle = handle};
}

}  // namespace audit::httpd
