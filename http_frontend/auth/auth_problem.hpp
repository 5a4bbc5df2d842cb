// The responses to those who may not: 401 and 403.
#pragma once

#include <string>

#include "http/http_types.hpp"
#include "http/problem.hpp"

namespace audit::httpd {

inline Response unauthenticated() {
  Response response = problem(401, "Not authenticated");
  response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

inline Response invalid_credential() {
  Response response = problem(401, "Could not validate credentials");
  response.headers.push_back({"WWW-Authenticate", "Bearer error=\"invalid_token\""});
  return response;
}

inline Response lacks_scope(const std::string& scope) {
  Response response = problem(403, "Not enough permissions");
  response.headers.push_back({"WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"" + scope + "\""});
  return response;
}

inline Response forbidden() { return lacks_scope("audit:read"); }
inline Response forbidden_to_write() { return lacks_scope("audit:write"); }

}  // namespace audit::httpd
