#include "endpoints/endpoints.hpp"

#include "endpoints/answer_from_database.hpp"

namespace audit::httpd {

// A line for each endpoint; it is defined in the file of its name.
#define AUDIT_HTTPD_ENDPOINTS(ROW) \
  ROW(get_audit_events)            \
  ROW(post_audit_events)           \
  ROW(get_audit_event)             \
  ROW(post_auth_token)             \
  ROW(get_openapi)                 \
  ROW(get_healthz)                 \
  ROW(get_readyz)                  \
  ROW(get_admin_readyz)            \
  ROW(get_metrics)

#define AUDIT_HTTPD_DECLARE(name) Endpoint name();
AUDIT_HTTPD_ENDPOINTS(AUDIT_HTTPD_DECLARE)

namespace {

#define AUDIT_HTTPD_CALL(name) name(),
std::vector<Endpoint> all_endpoints() { return {AUDIT_HTTPD_ENDPOINTS(AUDIT_HTTPD_CALL)}; }

}  // namespace

std::vector<Endpoint> endpoints_of(Listener listener) {
  std::vector<Endpoint> endpoints = all_endpoints();
  std::erase_if(endpoints, [listener](const Endpoint& endpoint) {
    return endpoint.listener != listener && endpoint.listener != Listener::both;
  });
  return endpoints;
}

std::vector<PreparedStatement> endpoint_statements() {
  std::vector<PreparedStatement> statements{role_statement()};
  for (const Endpoint& endpoint : all_endpoints())
    if (endpoint.statement) statements.push_back(*endpoint.statement);
  return statements;
}

}  // namespace audit::httpd
