#include "application.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "auth/principal_query.hpp"
#include "base/listen_socket.hpp"
#include "endpoints/endpoints.hpp"
#include "settings/setting.hpp"
#include "watch/log.hpp"
#include "watch/service_manager.hpp"

namespace audit::httpd {
namespace {

PoolSettings with_statements(PoolSettings settings) {
  settings.session.statements = endpoint_statements();
  for (PreparedStatement& statement : principal_statements())
    settings.session.statements.push_back(std::move(statement));
  settings.session.statements.push_back(maintenance_statement());
  settings.session.statements.push_back(echo_statement());
  return settings;
}

// A setting that changes only with a restart stays what it is.
void keep_until_restart(const Config& in_use, Config& next) {
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      const std::string value = setting.value(in_use);
      if (setting.changes == Changes::by_reload || setting.value(next) == value) continue;
      spdlog::warn("--{}: changes only with a restart", setting.name);
      setting.set(next, value);
    }
  }
}

}  // namespace

Application::Application(Settings settings, std::function<Config()> read, std::map<std::string, UniqueFd> sockets)
    : settings_(std::move(settings)),
      read_config_(std::move(read)),
      passed_sockets_(std::move(sockets)),
      signals_(loop_),
      throttle_(settings_.config.login_attempts, settings_.config.login_window),
      limits_(settings_.config.address_requests_per_s, settings_.config.principal_requests_per_s),
      pool_(std::make_unique<PgPool>(loop_, with_statements(settings_.config.pool))),
      prover_(std::make_unique<PasswordProver>(loop_)),
      unpacker_(std::make_unique<BodyUnpacker>(loop_)),
      maintenance_(*pool_),
      authenticator_(*pool_),
      listener_(std::make_unique<PrincipalListener>(
          loop_, with_statements(settings_.config.pool).session, *pool_,
          [this](PrincipalListener::State state) { authenticator_.principals_changed(state); })),
      services_{*pool_,    authenticator_, *prover_, *unpacker_,
                throttle_, maintenance_,   metrics_, [this] { return server_->connection_count(); }},
      router_(Listener::service, services_, limits_),
      admin_router_(Listener::admin, services_, limits_) {
  if (settings_.config.has_identity_provider()) set_up_identity_provider(settings_.keys);
}

void Application::set_up_identity_provider(KeySetPtr keys) {
  key_source_ = std::make_unique<KeySetSource>(
      loop_, settings_.config.jwks, [this](KeySetPtr newer) { authenticator_.set_idp_keys(std::move(newer)); });
  authenticator_.accept_idp(settings_.config.idp, [this] { key_source_->load_if_old(); });
  authenticator_.set_idp_keys(std::move(keys));
  key_source_->load();
}

void Application::run() {
  connect_to_database();
  if (settings_.config.has_admin_listener()) listen_for_admins();
  listen();
  apply_settings();
  signals_.start([this] { reload(); }, [this] { begin_to_end(); });
  loop_.run();
  // Requests that still wait at the deadline get an answer: the library must not end with suspended requests.
  router_.stop();
  admin_router_.stop();
  prover_.reset();
  unpacker_.reset();
  pool_.reset();
  listener_.reset();
  if (!server_->is_quiet()) {
    loop_.call_after(std::chrono::milliseconds(100), [this] { loop_.stop(); });
    loop_.run();
  }
  server_.reset();
  admin_server_.reset();
  spdlog::info("stopped");
}

// A database that is away may come back. A role with too many rights, or an unfit database, is a wrong setting.
void Application::connect_to_database() {
  std::optional<SessionProblem> problem;
  pool_->start([&](const SessionProblem* found) {
    if (found != nullptr) problem = *found;
    loop_.stop();
  });
  loop_.run();
  using enum SessionProblem::Kind;
  if (problem && (problem->kind == too_mighty || problem->kind == wrong_encoding))
    throw ConfigProblem("--database: " + problem->message);
  listener_->start();
}

void Application::listen() {
  UniqueFd socket = listening_socket("http", "listen", settings_.config.listen);
  if (!passed_sockets_.empty()) {
    throw ConfigProblem("systemd hands over a socket \"" + passed_sockets_.begin()->first +
                        "\"; FileDescriptorName= must be http or admin");
  }
  url_ = url_of(socket, settings_.tls ? "https" : "http");
  server_ = std::make_unique<HttpServer>(loop_, std::move(socket), settings_.config.http, settings_.tls, router_);
  spdlog::info("listening on {}", url_);
  notify_ready("listening on " + url_);
  feed_watchdog(loop_);
}

UniqueFd Application::listening_socket(const std::string& name, const std::string& setting,
                                       const std::string& address) {
  auto passed = passed_sockets_.extract(name);
  if (!passed) return open_listen_socket(setting, parse_listen(address));
  const bool is_encrypted = setting == "listen" && settings_.tls;
  if (!is_encrypted && settings_.config.plain_http != "anywhere") refuse_public_socket(setting, passed.mapped());
  return std::move(passed.mapped());
}

void Application::listen_for_admins() {
  HttpLimits limits;
  limits.connections = limits.connections_per_address = 64;
  limits.gzip_min_bytes = 0;
  UniqueFd socket = listening_socket("admin", "admin-listen", settings_.config.admin_listen);
  const std::string url = url_of(socket, "http");
  admin_server_ = std::make_unique<HttpServer>(loop_, std::move(socket), limits, nullptr, admin_router_);
  spdlog::info("administration on {}", url);
}

// Everything that need not stay as it was at the start.
void Application::apply_settings() {
  const Config& config = settings_.config;
  set_up_log(config.log_level, config.log_format == "json");
  authenticator_.set_up(settings_.issuer, config.principal_cache);
  throttle_.set_limits(config.login_attempts, config.login_window);
  pool_->set_limits(config.pool.queue_limit, config.pool.request_timeout);
  limits_.set(config.address_requests_per_s, config.principal_requests_per_s);
  server_->set_limits(config.http);
  server_->set_server_timing(config.server_timing == "on");
  if (server_->has_tls()) server_->set_tls_credentials(settings_.tls);
}

// All or nothing: with one mistake, everything stays as it is.
void Application::reload() {
  notify_reloading();
  try {
    Config config = read_config_();
    keep_until_restart(settings_.config, config);
    Settings next = load_settings(std::move(config));
    if (bool(next.tls) != server_->has_tls()) {
      throw ConfigProblem("--tls-certificate-file: TLS is switched on and off by a restart only");
    }
    settings_ = std::move(next);
    apply_settings();
    if (key_source_) {
      if (settings_.keys) authenticator_.set_idp_keys(settings_.keys);
      key_source_->load();
    }
    metrics_.count_reload(true);
    spdlog::info("settings reloaded");
  } catch (const ConfigProblem& problem) {
    metrics_.count_reload(false);
    spdlog::error("settings not reloaded, and all of them kept: {}", problem.what());
  }
  notify_ready("listening on " + url_);
}

void Application::begin_to_end() {
  if (server_->is_stopping()) return loop_.stop();  // the second signal: at once
  spdlog::info("stopping");
  notify_stopping();
  quiet_since_ = Clock::now();
  end_at_ = quiet_since_ + settings_.config.drain_timeout;
  server_->stop_accepting();
  end_when_quiet();
}

// Quiet for a while: the request of a client that has just connected may still be on its way.
void Application::end_when_quiet() {
  const Clock::time_point now = Clock::now();
  if (!server_->is_quiet()) quiet_since_ = now;
  if (now - quiet_since_ >= std::chrono::milliseconds(100) || now >= end_at_) return loop_.stop();
  loop_.call_after(std::chrono::milliseconds(10), [this] { end_when_quiet(); });
}

}  // namespace audit::httpd
