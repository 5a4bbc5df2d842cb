#include "application.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <stdexcept>
#include <utility>

#include "db/audit_events_query.hpp"
#include "db/principal_query.hpp"
#include "handle_get_audit_event.hpp"
#include "handle_get_audit_events.hpp"
#include "handle_get_metrics.hpp"
#include "handle_health.hpp"
#include "handle_openapi.hpp"
#include "handle_post_auth_token.hpp"
#include "listen_socket.hpp"
#include "log.hpp"
#include "problem.hpp"
#include "service_manager.hpp"

namespace audit::httpd {
namespace {

std::optional<TokenIssuer> make_issuer(const Config& config, std::optional<std::string> secret) {
  if (!secret) return std::nullopt;
  return TokenIssuer(std::move(*secret), {config.token_issuer, config.token_audience},
                     std::chrono::seconds(config.token_lifetime_s));
}

PoolSettings pool_settings(const Config& config) {
  PoolSettings settings;
  settings.session.conninfo = config.database;
  settings.session.statement_timeout = std::chrono::milliseconds(config.query_timeout_ms);
  settings.session.statements = audit_events_statements();
  for (PreparedStatement& statement : principal_statements())
    settings.session.statements.push_back(std::move(statement));
  settings.size = config.pool_size;
  settings.queue_limit = config.queue_limit;
  settings.query_timeout = std::chrono::milliseconds(config.query_timeout_ms);
  settings.request_timeout = std::chrono::milliseconds(config.request_timeout_ms);
  return settings;
}

UniqueFd end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  UniqueFd descriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) throw std::runtime_error("signalfd failed");
  return descriptor;
}

}  // namespace

Application::Application(const Config& config, std::optional<std::string> token_secret, KeySetPtr keys,
                         std::map<std::string, UniqueFd> sockets)
    : config_(config),
      passed_sockets_(std::move(sockets)),
      signals_(end_signals()),
      issuer_(make_issuer(config, std::move(token_secret))),
      throttle_(config.login_attempts, std::chrono::seconds(config.login_window_s)),
      pool_(std::make_unique<PgPool>(loop_, pool_settings(config))),
      authenticator_(*pool_, issuer_ ? &*issuer_ : nullptr, std::chrono::seconds(config.principal_cache_s)),
      listener_(std::make_unique<PrincipalListener>(
          loop_, pool_settings(config).session,
          [this](PrincipalListener::State state) { authenticator_.principals_changed(state); })),
      router_(authenticator_, routes()),
      admin_router_(authenticator_, admin_routes()) {
  if (config.has_identity_provider()) set_up_identity_provider(std::move(keys));
}

std::vector<Router::Route> Application::routes() {
  using enum Router::Access;
  PgPool& pool = *pool_;
  std::vector<Router::Route> routes{
      {"GET", "/v1/audit/events", readers,
       [&pool](auto& exchange, auto& principal, auto&) { handle_get_audit_events(exchange, principal, pool); }},
      {"GET", "/v1/audit/events/{event_id}", readers,
       [&pool](auto& exchange, auto& principal, auto& id) { handle_get_audit_event(exchange, principal, id, pool); }},
      {"GET", "/openapi.json", open, [](auto& exchange, auto&, auto&) { handle_get_openapi(exchange); }},
      {"GET", "/healthz", open, [](auto& exchange, auto&, auto&) { handle_get_healthz(exchange); }},
      {"GET", "/readyz", open, [&pool](auto& exchange, auto&, auto&) { handle_get_readyz(exchange, pool); }}};
  if (issuer_) {
    routes.push_back({"POST", "/v1/auth/token", open, [this, &pool](auto& exchange, auto&, auto&) {
                        handle_post_auth_token(exchange, pool, throttle_, *issuer_);
                      }});
  }
  return routes;
}

std::vector<Router::Route> Application::admin_routes() {
  using enum Router::Access;
  return {{"GET", "/healthz", open, [](auto& exchange, auto&, auto&) { handle_get_healthz(exchange); }},
          {"GET", "/readyz", open, [this](auto& exchange, auto&, auto&) { handle_get_readyz(exchange, *pool_); }},
          {"GET", "/metrics", open, [this](auto& exchange, auto&, auto&) {
             handle_get_metrics(exchange, metrics_,
                                {pool_->use(), authenticator_.cache_use(), server_->connection_count()});
           }}};
}

void Application::set_up_identity_provider(KeySetPtr keys) {
  key_source_ = std::make_unique<KeySetSource>(
      loop_, KeySetLocation{config_.jwks_file, config_.jwks_url, std::chrono::seconds(config_.jwks_refresh_s)},
      [this](KeySetPtr newer) { authenticator_.set_idp_keys(std::move(newer)); });
  authenticator_.accept_idp({{config_.idp_issuer, config_.idp_audience},
                             config_.algorithms(),
                             config_.idp_user_id_claim,
                             config_.idp_role_claim},
                            [this] { key_source_->load_if_old(); });
  authenticator_.set_idp_keys(std::move(keys));
  key_source_->load();
}

void Application::run() {
  connect_to_database();
  if (config_.has_admin_listener()) listen_for_admins();
  listen();
  watch_signals();
  loop_.run();
  // Those who still wait at the deadline are told so: the library must not end with suspended requests.
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

// A database that is away may come back, but a role that is too mighty is a mistake in the settings.
void Application::connect_to_database() {
  std::optional<SessionProblem> problem;
  pool_->start([&](const SessionProblem* found) {
    if (found != nullptr) problem = *found;
    loop_.stop();
  });
  loop_.run();
  if (problem && problem->kind == SessionProblem::Kind::too_mighty)
    throw ConfigProblem("--database: " + problem->message);
  listener_->start();
}

void Application::listen() {
  UniqueFd socket = listening_socket("http", "listen", config_.listen);
  if (!passed_sockets_.empty()) {
    throw ConfigProblem("systemd hands over a socket \"" + passed_sockets_.begin()->first +
                        "\"; FileDescriptorName= must be http or admin");
  }
  const std::string url = url_of(socket);
  const HttpLimits limits{config_.connection_limit, config_.connections_per_address,
                          std::chrono::seconds(config_.idle_timeout_s)};
  server_ = std::make_unique<HttpServer>(
      loop_, std::move(socket), limits, [this](const ExchangePtr& exchange) { dispatch(router_, exchange); },
      [this](const Request& request, const RequestRecord& record) {
        metrics_.count(record);
        log_request(request, record);
      });
  server_->set_server_timing(config_.server_timing == "on");
  spdlog::info("listening on {}", url);
  notify_ready("listening on " + url);
  feed_watchdog(loop_);
}

UniqueFd Application::listening_socket(const std::string& name, const std::string& setting,
                                       const std::string& address) {
  auto passed = passed_sockets_.extract(name);
  return passed ? std::move(passed.mapped()) : open_listen_socket(setting, parse_listen(address));
}

void Application::listen_for_admins() {
  constexpr HttpLimits limits{64, 64, std::chrono::seconds(60)};
  UniqueFd socket = listening_socket("admin", "admin-listen", config_.admin_listen);
  const std::string url = url_of(socket);
  admin_server_ = std::make_unique<HttpServer>(
      loop_, std::move(socket), limits, [this](const ExchangePtr& exchange) { dispatch(admin_router_, exchange); },
      [](const Request&, const RequestRecord&) {});
  spdlog::info("administration on {}", url);
}

void Application::dispatch(const Router& router, const ExchangePtr& exchange) {
  if (pool_) return router.dispatch(exchange);
  exchange->respond(unavailable_problem("The service is stopping", "stopping"));  // a late request on an old connection
}

void Application::watch_signals() {
  loop_.watch(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo signal;
    if (read(signals_.get(), &signal, sizeof signal) == sizeof signal) begin_to_end();
  });
}

void Application::begin_to_end() {
  if (server_->is_stopping()) return loop_.stop();  // the second signal: at once
  spdlog::info("stopping");
  notify_stopping();
  quiet_since_ = Clock::now();
  end_at_ = quiet_since_ + std::chrono::milliseconds(config_.drain_timeout_ms);
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
