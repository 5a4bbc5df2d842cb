// The responses to those who may not: 401 and 403.
#pragma once

#include "http_types.hpp"
#include "problem.hpp"

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

inline Response forbidden() {
  Response response = problem(403, "Not enough permissions");
  response.headers.push_back({"WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"audit:read\""});
  return response;
}

}  // namespace audit::httpd
