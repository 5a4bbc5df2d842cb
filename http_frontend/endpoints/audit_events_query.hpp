// The SQL behind GET and POST /v1/audit/events and GET /v1/audit/events/{event_id}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.hpp"
#include "core/uuid_v7.hpp"
#include "db/query.hpp"
#include "endpoints/query_parameters.hpp"

namespace audit::httpd {

// What the queries below need prepared.
std::vector<PreparedStatement> audit_events_statements();

// Where list_query() and get_query() have their answer.
inline constexpr int answer_column = 1;

// One row: the body of the page. While it runs, the session's application_name has the request's id, up to
// the server's 63 bytes. Runs under the principal's database role where it has one.
Query list_query(const EventListParameters& parameters, const Principal& principal, std::string_view request_id);

// One row: the event, or null. `user_id`: only if the event is that user's.
Query get_query(const Uuid& id, std::optional<std::int64_t> user_id, const Principal& principal,
                std::string_view request_id);

struct EventsToLog {
  std::string_view body;  // must live until the query was answered
  bool is_ndjson;
  std::optional<std::int64_t> user_id;  // whose events they have to be
  std::optional<std::string> idempotency_key;
};
// One row: the answer's body, which may be null, and its HTTP status.
Query log_query(const EventsToLog& events, const Principal& principal, std::string_view request_id);

}  // namespace audit::httpd
