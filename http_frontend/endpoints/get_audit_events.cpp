// GET /v1/audit/events: a page of events.
#include <utility>

#include "auth/auth_problem.hpp"
#include "endpoints/answer_from_database.hpp"
#include "endpoints/endpoint.hpp"
#include "endpoints/next_page.hpp"
#include "endpoints/query_parameters.hpp"
#include "http/problem.hpp"

namespace audit::httpd {
namespace {

constexpr int answer_column = 1;

// The parameters: the filters, since, until, cursor, page size, filter, and the name of the application.
std::string sql() {
  std::string arguments;
  std::size_t count = 0;
  const auto add = [&](std::string_view name) {
    arguments.append(name).append(" => $" + std::to_string(++count) + ", ");
  };
  for (std::size_t i = 0; i < filter_count; ++i) add(filter_name(i));
  for (const char* name : {"since", "until", "cursor", "page_size", "filter"}) add(name);
  arguments.resize(arguments.size() - 2);
  return "SELECT pg_catalog.set_config('application_name', $" + std::to_string(count + 1) +
         ", true), @schema@.audit_list_json(" + arguments + ")";
}

SqlType type_of_filter(std::size_t filter) {
  switch (filter_kind(filter)) {
    case ColumnKind::text: return SqlType::text;
    case ColumnKind::address: return SqlType::inet;
    default: return SqlType::int8;
  }
}

std::vector<SqlType> types() {
  using enum SqlType;
  std::vector<SqlType> all;
  for (std::size_t i = 0; i < filter_count; ++i) all.push_back(type_of_filter(i));
  all.insert(all.end(), {timestamptz, timestamptz, text, int4, text, text});
  return all;
}

void add_filter(Parameters& parameters, std::size_t filter, const std::optional<FilterValue>& value) {
  if (!value) {
    parameters.add_null();
    return;
  }
  switch (filter_kind(filter)) {
    case ColumnKind::text: parameters.add_bytes(value->text); break;
    case ColumnKind::address: parameters.add_inet(value->network); break;
    default: parameters.add_int64(value->number);
  }
}

Parameters parameters_of(const EventListParameters& from) {
  Parameters parameters;
  for (std::size_t i = 0; i < filter_count; ++i) add_filter(parameters, i, from.filters.values[i]);
  parameters.add_optional(from.filters.since_us);
  parameters.add_optional(from.filters.until_us);
  parameters.add_optional(from.cursor);
  parameters.add_int32(from.limit);
  parameters.add_optional(from.filters.expression);
  return parameters;
}

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
  Parameters parameters = parameters_of(parsed.parameters);
  answer_from_database(call, std::move(parameters), [&request, query = std::move(query), is_strict](PgResult result) {
    return page_response(std::move(result), request.path, query, is_strict);
  });
}

}  // namespace

Endpoint get_audit_events() {
  return {.method = "GET",
          .path = "/v1/audit/events",
          .access = Access::readers,
          .statement = {{"list", sql(), types()}},
          .handle = handle};
}

}  // namespace audit::httpd
