#include "endpoints/audit_events_query.hpp"

namespace audit::httpd {
namespace {

// Local to the transaction, which is the pipeline up to its end: the role is gone with it, whatever happens.
constexpr const char* set_role_sql = "SELECT pg_catalog.set_config('role', $1, true)";

// The request's id in application_name, for pg_stat_activity and %a in log_line_prefix. Inside the one statement, which
// costs less than a statement of its own, and as its first column, which comes first and costs less than a place in
// FROM. Local, like the role.
std::string application_name(std::string_view request_id) { return "audit_httpd " + std::string(request_id); }

constexpr const char* list_sql =
    "SELECT pg_catalog.set_config('application_name', $11, true),"
    " @schema@.audit_list_json(event_group => $1, event_type => $2, status => $3, user_id => $4, vm_id => $5,"
    " session_id => $6, cursor => $7, page_size => $8, since => $9, until => $10)";

constexpr const char* get_sql =
    "SELECT pg_catalog.set_config('application_name', $3, true), @schema@.audit_get_json(id => $1, user_id => $2)";

constexpr const char* log_sql =
    "SELECT (r.log).answer, (r.log).status FROM (SELECT @schema@.audit_log_json(events => $1, is_ndjson => $2,"
    " user_id => $3, principal => $4, idempotency_key => $5) AS log"
    " FROM pg_catalog.set_config('application_name', $6, true)) r";

void add_text(Parameters& parameters, const std::optional<std::string>& text) {
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
          {"list", list_sql, {text, text, text, int8, text, text, text, int4, timestamptz, timestamptz, text}},
          {"get", get_sql, {uuid, int8, text}},
          {"log", log_sql, {text, boolean, int8, text, text, text}}};
}

Query list_query(const EventListParameters& from, const Principal& principal, std::string_view request_id) {
  Statement statement{"list", {}};
  Parameters& parameters = statement.parameters;
  add_text(parameters, from.event_group);
  add_text(parameters, from.event_type);
  add_text(parameters, from.status);
  add_number(parameters, from.user_id);
  add_text(parameters, from.vm_id);
  add_text(parameters, from.session_id);
  add_text(parameters, from.cursor);
  parameters.add_int32(from.limit);
  add_number(parameters, from.since_us);
  add_number(parameters, from.until_us);
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
