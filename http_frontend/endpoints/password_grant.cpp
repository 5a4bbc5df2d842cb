#include "endpoints/password_grant.hpp"

#include <set>
#include <utility>

#include "base/urlencoded.hpp"
#include "core/utf8.hpp"
#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

bool is_form(std::string_view content_type) {
  return equals_ignoring_case(trim_http_space(content_type.substr(0, content_type.find(';'))),
                              "application/x-www-form-urlencoded");
}

}  // namespace

std::variant<PasswordGrant, GrantProblem> parse_password_grant(std::string_view content_type, std::string_view body) {
  if (!is_form(content_type))
    return GrantProblem{"invalid_request", "Content-Type must be application/x-www-form-urlencoded"};
  PasswordGrant grant;
  std::set<std::string> seen;
  for (auto& [name, value] : parse_urlencoded(body)) {
    if (!seen.insert(name).second) return GrantProblem{"invalid_request", "A parameter comes more than once"};
    if (!is_valid_utf8(value)) return GrantProblem{"invalid_request", "A parameter is not valid UTF-8 text"};
    if (name == "grant_type" && value != "password") {
      return GrantProblem{"unsupported_grant_type", "grant_type must be password"};
    }
    if (name == "username") grant.username = std::move(value);
    if (name == "password") grant.password = std::move(value);
    if (name == "scope" && !value.empty()) {
      grant.scopes = Scopes::parse_strictly(value);
      if (!grant.scopes)
        return GrantProblem{"invalid_scope", "Known scopes are audit:read, audit:read:self and audit:write"};
    }
  }
  if (grant.username.empty() || grant.password.empty()) {
    return GrantProblem{"invalid_request", "username and password are required"};
  }
  return grant;
}

}  // namespace audit::httpd
