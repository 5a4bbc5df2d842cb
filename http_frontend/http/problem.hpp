// Error responses: always JSON with `detail` (or OAuth2's `error`), never SQL, a stack, a path or a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/http_types.hpp"

namespace audit::httpd {

// One entry of a 422: exactly the three members that the contract has.
struct ValidationError {
  std::string in;    // "query" or "path"
  std::string name;  // bytes that are not UTF-8 are replaced
  std::string message;
  std::string_view type;
};

// A literal for each: they outlive every response.
namespace validation {
inline constexpr const char* cursor_invalid = "Input should be a cursor from next_cursor";
inline constexpr const char* cursor_mismatch = "Cursor was made with other filters";
inline constexpr const char* filter_invalid = "Filter is not valid";
inline constexpr const char* filter_rows_max =
    "Filter has too many events to check; add since, or a parameter such as event_type or user_id";
}  // namespace validation

Response json_response(int status, Body body);
Response json_response(int status, std::string body);
Response problem(int status, std::string_view detail);
Response validation_problem(const std::vector<ValidationError>& errors);
// Of a member of an event in the body; an empty member: of the event itself; no event: of the body.
struct EventError {
  std::optional<std::size_t> event;  // from 0
  std::string member;
  std::string_view message;
  std::string_view type;
};
Response validation_problem(const EventError& error);
// RFC 6749, 5.2.
Response oauth_problem(int status, std::string_view error, std::string_view description);
// 415 for a Content-Encoding; `accepted`: what Accept-Encoding says (RFC 9110, 15.5.16).
Response unsupported_coding(const char* accepted);
// 503 (the database is away, or there is too much to do) with Retry-After. `rejection`: see Response.
Response unavailable_problem(std::string_view detail, std::string_view rejection);

}  // namespace audit::httpd
