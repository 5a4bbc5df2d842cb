// The request target (RFC 7230, 5.3) and small text questions about HTTP.
#pragma once

#include <string>
#include <string_view>

namespace audit::httpd {

// Splits `/path?query#fragment` or `http://host/path?query`; nothing is decoded, the fragment is dropped.
void split_target(std::string_view target, std::string& path, std::string& query);

// ASCII only, as header names and scheme names are.
bool equals_ignoring_case(std::string_view left, std::string_view right);

std::string_view trim_http_space(std::string_view text);

}  // namespace audit::httpd
