// What an endpoint is: one file, which has its statement, its handler and its row of the table of routes.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "auth/authenticator.hpp"
#include "auth/login_throttle.hpp"
#include "auth/password_prover.hpp"
#include "auth/principal.hpp"
#include "db/pg_pool.hpp"
#include "db/query.hpp"
#include "http/body_unpacker.hpp"
#include "http/http_types.hpp"
#include "watch/maintenance_watch.hpp"
#include "watch/metrics.hpp"

namespace audit::httpd {

// What handlers work with. All of it lives as long as requests are dispatched.
struct Services {
  PgPool& pool;
  Authenticator& authenticator;
  PasswordProver& prover;
  BodyUnpacker& unpacker;
  LoginThrottle& throttle;
  MaintenanceWatch& maintenance;
  Metrics& metrics;
  std::function<std::size_t()> http_connections;
};

struct Endpoint;

struct Call {
  const Endpoint& endpoint;
  ExchangePtr exchange;
  PrincipalPtr principal;  // null where callers need no credentials
  std::string argument;    // what the path has in place of `{…}`, percent-decoded; else empty
  Services& services;

  const Request& request() const { return exchange->request(); }
};

// The listener decides what a request counts for. The service's requests count for the rate limits of their address and
// of their principal, for metrics and for the log. The administration's requests count for none of these.
enum class Listener { service, admin, both };
enum class Access { anonymous, readers, writers };

// A row of the table of routes.
struct Endpoint {
  Listener listener = Listener::service;
  std::string_view method;  // GET stands for HEAD, too
  std::string_view path;    // may end in `/{…}`, which matches one segment
  Access access;
  std::size_t max_body_bytes = small_body_bytes;
  std::optional<PreparedStatement> statement = std::nullopt;  // for answer_from_database()
  void (*handle)(const Call& call);                           // responds, then or later
};

}  // namespace audit::httpd
