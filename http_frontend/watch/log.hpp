// The log, on standard error: one line an event, as text or as JSON. Whatever a text holds, it stays within its line.
//
// Everything else logs by spdlog's functions; only requests have a function of their own.
#pragma once

#include <string>
#include <string_view>

#include "http/http_types.hpp"

namespace audit::httpd {

// `level`: debug, info, warn, error or off. Can be called again to change them.
void set_up_log(const std::string& level, bool is_json);

// The line of a request that is over. It has nothing that a caller could have put a secret into: no query, no path but
// the route's pattern, no header but the request's id.
void log_request(const Request& request, const RequestRecord& record);

// Appends `text` with control characters, quotes and backslashes escaped as in JSON, and with what is not UTF-8
// replaced.
void append_escaped(std::string& line, std::string_view text);

}  // namespace audit::httpd
