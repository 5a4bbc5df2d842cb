// The form of POST /v1/auth/token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "auth/scopes.hpp"

namespace audit::httpd {

struct PasswordGrant {
  std::string username;
  std::string password;
  std::optional<Scopes> scopes;  // nothing: all that the user has
};

struct GrantProblem {
  std::string_view error;  // of RFC 6749, 5.2
  std::string_view description;
};

std::variant<PasswordGrant, GrantProblem> parse_password_grant(std::string_view content_type, std::string_view body);

}  // namespace audit::httpd
