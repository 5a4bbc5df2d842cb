#include "auth/authorization_header.hpp"

#include "http/request_target.hpp"

namespace audit::httpd {

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  const std::size_t space = authorization.find(' ');
  if (!equals_ignoring_case(authorization.substr(0, space), "Bearer")) return std::nullopt;
  return space == std::string_view::npos ? std::string_view() : trim_http_space(authorization.substr(space));
}

}  // namespace audit::httpd
