// The Authorization header (RFC 9110, 11.6.2): of its schemes, this service knows Bearer.
#pragma once

#include <optional>
#include <string_view>

namespace audit::httpd {

// The token, which may be empty; nothing for another scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization);

}  // namespace audit::httpd
