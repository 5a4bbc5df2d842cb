#include "endpoints/endpoints.hpp"

#include <algorithm>

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

#define AUDIT_HTTPD_CALL(name) name(),
std::vector<Endpoint> endpoints_of(Listener listener) {
  std::vector<Endpoint> table{AUDIT_HTTPD_ENDPOINTS(AUDIT_HTTPD_CALL)};
  std::erase_if(table, [listener](const Endpoint& endpoint) {
    return endpoint.listener != listener && endpoint.listener != Listener::both;
  });
  return table;
}

}  // namespace audit::httpd
