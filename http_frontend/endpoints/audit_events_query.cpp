#include "endpoints/audit_events_query.hpp"

namespace audit::httpd {
namespace {

// Local to the transaction, which is the pipeline up to its end: the role is gone with it, whatever happens.
constexpr const char* set_role_sql = "SELECT pg_catalog.set_config('role', $1, true)";

// The request's id in application_name, for pg_stat_activity and %a in log_line_prefix. Inside the one statement, which
// costs less than a statement of its own, and as its first column, which comes first and costs less than a place in
// FROM. Local, like the role.
std::string application_name(std::string_view request_id) { return "audit_httpd " + std::string(request_id); }

// The parameters: the filters, since, until, cursor, page size, and the name of the application.
std::string list_sql() {
  std::string arguments;
  std::size_t count = 0;
  const auto add = [&](std::string_view name) {
    arguments.append(name).append(" => $" + std::to_string(++count) + ", ");
  };
  for (std::size_t i = 0; i < filter_count; ++i) add(filter_name(i));
  for (const char* name : {"since", "until", "cursor", "page_size"}) add(name);
  arguments.resize(arguments.size() - 2);
  return "SELECT pg_catalog.set_config('application_name', $" + std::to_string(count + 1) +
         ", true), @schema@.audit_list_json(" + arguments + ")";
}

std::vector<SqlType> list_types() {
  using enum SqlType;
  std::vector<SqlType> types;
  for (std::size_t i = 0; i < filter_count; ++i) types.push_back(is_text_filter(i) ? text : int8);
  types.insert(types.end(), {timestamptz, timestamptz, text, int4, text});
  return types;
}

constexpr const char* get_sql =
    "SELECT pg_catalog.set_config('application_name', $3, true), @schema@.audit_get_json(id => $1, user_id => $2)";

constexpr const char* log_sql =
    "SELECT (r.log).answer, (r.log).status FROM (SELECT @schema@.audit_log_json(events => $1, is_ndjson => $2,"
    " user_id => $3, principal => $4, idempotency_key => $5) AS log"
    " FROM pg_catalog.set_config('application_name', $6, true)) r";

void add_text(Parameters& parameters, const std::optional<std::string_view>& text) {
  if (text) {
    parameters.add_bytes(*text);
  } else {
    parameters.add_null();
  }
}

void add_number(Parameters& parameters, const std::optional<std::int64_t>& number) {
  if (number) {
    parameters.add_int64(*number);
  } else {
    parameters.add_null();
  }
}

void add_filter(Parameters& parameters, std::size_t filter, const std::optional<FilterValue>& value) {
  if (!value) {
    parameters.add_null();
  } else if (is_text_filter(filter)) {
    parameters.add_bytes(value->text);
  } else {
    parameters.add_int64(value->number);
  }
}

Query under_role_of(const Principal& principal, Statement statement) {
  Query query;
  if (principal.db_role) query.push_back({"role", Parameters().add_bytes(*principal.db_role)});
  query.push_back(std::move(statement));
  return query;
}

}  // namespace

std::vector<PreparedStatement> audit_events_statements() {
  using enum SqlType;
  return {{"role", set_role_sql, {text}},
          {"list", list_sql(), list_types()},
          {"get", get_sql, {uuid, int8, text}},
          {"log", log_sql, {text, boolean, int8, text, text, text}}};
}

Query list_query(const EventListParameters& from, const Principal& principal, std::string_view request_id) {
  Statement statement{"list", {}};
  Parameters& parameters = statement.parameters;
  for (std::size_t i = 0; i < filter_count; ++i) add_filter(parameters, i, from.filters.values[i]);
  add_number(parameters, from.filters.since_us);
  add_number(parameters, from.filters.until_us);
  add_text(parameters, from.cursor);
  parameters.add_int32(from.limit);
  parameters.add_bytes(application_name(request_id));
  return under_role_of(principal, std::move(statement));
}

Query get_query(const Uuid& id, std::optional<std::int64_t> user_id, const Principal& principal,
                std::string_view request_id) {
  Statement statement{"get", {}};
  statement.parameters.add_bytes({reinterpret_cast<const char*>(id.data()), id.size()});
  add_number(statement.parameters, user_id);
  statement.parameters.add_bytes(application_name(request_id));
  return under_role_of(principal, std::move(statement));
}

Query log_query(const EventsToLog& events, const Principal& principal, std::string_view request_id) {
  Statement statement{"log", {}};
  Parameters& parameters = statement.parameters;
  parameters.add_view(events.body);
  parameters.add_bool(events.is_ndjson);
  add_number(parameters, events.user_id);
  parameters.add_bytes(principal.name);
  add_text(parameters, events.idempotency_key);
  parameters.add_bytes(application_name(request_id));
  return under_role_of(principal, std::move(statement));
}

}  // namespace audit::httpd
