// The query string of GET /v1/audit/events, parsed once: checked, and written again for the link to the next page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/urlencoded.hpp"
#include "core/event_filters.hpp"
#include "http/problem.hpp"

namespace audit::httpd {

// Views into the query string's parts, which must live as long.
struct EventListParameters {
  EventFilters filters;
  std::optional<std::string_view> cursor;
  std::int32_t limit = 50;
};

// One error for each wrong parameter, in the contract's order. `is_strict`: unknown parameters are errors, too.
struct ParsedListParameters {
  EventListParameters parameters;
  std::vector<ValidationError> errors;
};
ParsedListParameters parse_list_parameters(const std::vector<NameValue>& parts, bool is_strict);

// One error for each name that is not among `known`, in the order of their first appearance.
void add_unknown_parameters(const std::vector<NameValue>& parts, const std::vector<std::string_view>& known,
                            std::vector<ValidationError>& errors);

// Whether the Prefer headers ask for `handling=strict` (RFC 7240).
bool prefers_strict_handling(std::string_view prefer);

// The query string of these parts with the cursor replaced, everything else kept, safe to stand in a header.
std::string query_with_cursor(const std::vector<NameValue>& parts, std::string_view cursor);

}  // namespace audit::httpd
