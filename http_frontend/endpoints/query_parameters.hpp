// The query string of GET /v1/audit/events: parsed, checked, and written again for the link to the next page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/urlencoded.hpp"
#include "http/problem.hpp"

namespace audit::httpd {

struct EventListParameters {
  std::optional<std::string> event_group;
  std::optional<std::string> event_type;
  std::optional<std::string> status;
  std::optional<std::string> vm_id;
  std::optional<std::string> session_id;
  std::optional<std::int64_t> user_id;
  std::optional<std::string> cursor;
  std::int32_t limit = 50;
  std::optional<std::int64_t> since_us;  // microseconds since 2000
  std::optional<std::int64_t> until_us;
};

// One error for each wrong parameter, in the contract's order. `is_strict`: unknown parameters are errors, too.
struct ParsedListParameters {
  EventListParameters parameters;
  std::vector<ValidationError> errors;
};
ParsedListParameters parse_list_parameters(std::string_view query, bool is_strict);

// One error for each name that is not among `known`, in the order of their first appearance.
void add_unknown_parameters(const std::vector<NameValue>& parts, const std::vector<std::string_view>& known,
                            std::vector<ValidationError>& errors);

// Whether the Prefer headers ask for `handling=strict` (RFC 7240).
bool prefers_strict_handling(std::string_view prefer);

// `query` with its cursor replaced, everything else kept, safe to stand in a header.
std::string query_with_cursor(std::string_view query, std::string_view cursor);

}  // namespace audit::httpd
