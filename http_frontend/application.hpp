// The daemon put together: starts its parts in order, serves, and ends without cutting off a request.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "auth/authenticator.hpp"
#include "auth/key_set_source.hpp"
#include "auth/login_throttle.hpp"
#include "auth/password_prover.hpp"
#include "auth/token_issuer.hpp"
#include "base/event_loop.hpp"
#include "base/signal_watch.hpp"
#include "db/pg_pool.hpp"
#include "db/principal_listener.hpp"
#include "endpoints/router.hpp"
#include "http/body_unpacker.hpp"
#include "http/http_server.hpp"
#include "settings/config.hpp"
#include "settings/settings.hpp"
#include "watch/maintenance_watch.hpp"
#include "watch/metrics.hpp"

namespace audit::httpd {

class Application {
 public:
  // `read` reads the settings again; throws ConfigProblem. `sockets`: those that systemd opened, by name; "http"
  // takes the place of the setting listen, "admin" of admin-listen.
  Application(Settings settings, std::function<Config()> read, std::map<std::string, UniqueFd> sockets);

  // Serves until SIGTERM or SIGINT, and reloads at SIGHUP; all must be blocked in all threads. Throws ConfigProblem
  // where the fault is a setting's: the address is in use, the database role is too mighty.
  void run();

 private:
  void set_up_identity_provider(KeySetPtr keys);
  void apply_settings();
  void reload();
  void connect_to_database();
  void listen();
  void listen_for_admins();
  UniqueFd listening_socket(const std::string& name, const std::string& setting, const std::string& address);
  void begin_to_end();
  void end_when_quiet();

  Settings settings_;
  std::function<Config()> read_config_;
  std::map<std::string, UniqueFd> passed_sockets_;
  EventLoop loop_;
  SignalWatch signals_;
  LoginThrottle throttle_;
  RateLimits limits_;
  std::unique_ptr<PgPool> pool_;
  std::unique_ptr<PasswordProver> prover_;
  std::unique_ptr<BodyUnpacker> unpacker_;
  MaintenanceWatch maintenance_;
  Authenticator authenticator_;
  std::unique_ptr<PrincipalListener> listener_;
  std::unique_ptr<KeySetSource> key_source_;
  Metrics metrics_;
  Services services_;
  Router router_;
  Router admin_router_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpServer> admin_server_;  // null: off
  std::string url_;
  Clock::time_point quiet_since_;  // while it ends
  Clock::time_point end_at_;
};

}  // namespace audit::httpd
