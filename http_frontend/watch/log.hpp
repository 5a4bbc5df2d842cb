// The log, on standard error: one line an event, as text or as JSON. A text never leaves its line.
//
// Other code logs by spdlog's functions. Only requests have a function of their own.
#pragma once

#include <string>
#include <string_view>

#include "http/http_types.hpp"

namespace audit::httpd {

// `level`: debug, info, warn, error or off. Can be called again to change them.
void set_up_log(const std::string& level, bool is_json);

// The line of a finished request. A caller could put a secret into queries, paths and headers. So the line has only the
// route's pattern and the request's id.
void log_request(const Request& request, const RequestRecord& record);

// Appends `text`. Control characters, quotes and backslashes are escaped as in JSON. What is not UTF-8 is replaced.
void append_escaped(std::string& line, std::string_view text);

}  // namespace audit::httpd
