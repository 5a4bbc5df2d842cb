// The header Server-Timing, for a browser's developer tools.
#pragma once

#include <string>

#include "http/http_types.hpp"

namespace audit::httpd {

// Durations are in milliseconds.
std::string server_timing(const RequestRecord& record);

}  // namespace audit::httpd
