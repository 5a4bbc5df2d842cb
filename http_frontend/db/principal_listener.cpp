#include "db/principal_listener.hpp"

#include <spdlog/spdlog.h>

#include <random>
#include <utility>

namespace audit::httpd {
namespace {

// How often the connection is tried: a peer that vanished sends nothing, not even an end.
constexpr std::chrono::seconds check_interval{5};
constexpr std::chrono::seconds check_timeout{5};
constexpr std::chrono::seconds retry_interval{1};
constexpr std::chrono::seconds echo_timeout{3};
constexpr int clean_up_tries = 100;

SessionSettings for_listening(SessionSettings settings) {
  settings.listens = true;
  settings.statements = {{"listen", "LISTEN audit_ext_principals", {}},
                         {"unlisten", "UNLISTEN audit_ext_principals", {}},
                         {"process", "SELECT pg_catalog.pg_backend_pid()::text", {}}};
  return settings;
}

// Notices of changes have an empty payload, so that no other daemon takes an echo for one.
std::string new_echo() {
  std::random_device random;
  return std::to_string(random()) + "." + std::to_string(random()) + "." + std::to_string(random());
}

}  // namespace

PreparedStatement echo_statement() {
  return {"echo", "SELECT pg_catalog.pg_notify('audit_ext_principals', $1)", {SqlType::text}};
}

PrincipalListener::PrincipalListener(EventLoop& loop, SessionSettings settings, PgPool& pool,
                                     std::function<void(State)> on_change)
    : loop_(loop),
      settings_(for_listening(std::move(settings))),
      pool_(pool),
      on_change_(std::move(on_change)),
      opens_(loop),
      cancels_(loop) {}

PrincipalListener::~PrincipalListener() {
  *is_alive_ = false;
  if (timer_) loop_.cancel(*timer_);
}

void PrincipalListener::open() {
  opens_.submit([this, settings = settings_, is_alive = is_alive_]() -> BlockingCalls::Done {
    auto outcome = std::make_shared<std::variant<Session, SessionProblem>>(open_session(settings));
    return [this, outcome, is_alive] {
      if (*is_alive) on_opened(std::move(*outcome));
    };
  });
}

void PrincipalListener::on_opened(std::variant<Session, SessionProblem> outcome) {
  auto* session = std::get_if<Session>(&outcome);
  if (session == nullptr) {  // the pool says in the log what is wrong
    timer_ = loop_.call_after(retry_interval, [this] { open(); });
    return;
  }
  is_standby_ = session->is_standby;
  const bool is_pooled = session->unkept.has_value();
  listening_process_.clear();
  connection_ = std::make_unique<PgConnection>(
      loop_, cancels_, std::move(*session),
      PgConnection::Events{[] {}, [this](const std::string&) { on_lost(); },
                           [this](std::string_view payload) { on_notification(payload); }});
  enter(is_standby_ || is_pooled ? State::asking : State::listening);
  if (is_pooled && !is_standby_) {
    listen_through_pooler();
  } else {
    check_later();
  }
}

void PrincipalListener::on_notification(std::string_view payload) {
  if (payload.empty()) return on_change_(state_);
  if (echo_.empty() || payload != echo_) return;  // another daemon's
  echo_.clear();
  loop_.cancel(*timer_);
  if (state_ != State::listening) {
    spdlog::info("the pooler of the database passes notices on: changed users and keys are noticed at once");
    enter(State::listening);
  }
  check_later();
}

void PrincipalListener::on_lost() {
  echo_.clear();
  enter(State::deaf);
  loop_.call_soon([this, is_alive = is_alive_] {
    if (!*is_alive) return;
    connection_.reset();
    if (timer_) loop_.cancel(*timer_);
    timer_ = loop_.call_after(retry_interval, [this] { open(); });
  });
}

void PrincipalListener::check_later() {
  timer_ = loop_.call_after(check_interval, [this] { check(); });
}

// Also notices a standby that became the primary, where it can listen at last, and a pooler that was set to another
// mode.
void PrincipalListener::check() {
  timer_.reset();
  if (!connection_->is_idle()) return;
  run({{"check", {}}}, [this](const std::string& is_in_recovery) {
    if ((is_in_recovery == "t") != is_standby_) return on_lost();
    if (listening_process_.empty()) return check_later();
    call_for_echo();
  });
}

void PrincipalListener::listen_through_pooler() {
  run({{"listen", {}}, {"process", {}}}, [this](std::string process) {
    listening_process_ = std::move(process);
    call_for_echo();
  });
}

// A connection at rest has no session of the server behind it where the pooler is in transaction mode, so nothing can
// come.
void PrincipalListener::call_for_echo() {
  echo_ = new_echo();
  timer_ = loop_.call_after(echo_timeout, [this] { give_up_listening(); });
  pool_.run({{"echo", Parameters().add_bytes(echo_)}}, Lane::normal, nullptr, [](const QueryOutcome&) {});
}

// Until the pooler's connection is made anew.
void PrincipalListener::give_up_listening() {
  timer_.reset();
  echo_.clear();
  spdlog::info("the pooler of the database passes no notices on: changed users and keys are noticed by asking again");
  enter(State::asking);
  clean_up(clean_up_tries);
}

// The session that listens may serve other clients now. The pooler chooses the session of each transaction.
void PrincipalListener::clean_up(int tries_left) {
  run({{"unlisten", {}}, {"process", {}}}, [this, tries_left](const std::string& process) {
    if (process != listening_process_ && tries_left > 1) return clean_up(tries_left - 1);
    listening_process_.clear();
    check_later();
  });
}

void PrincipalListener::run(Query query, std::function<void(std::string)> done) {
  connection_->run(query, Clock::now() + check_timeout,
                   [this, is_alive = is_alive_, done = std::move(done)](QueryOutcome outcome) {
                     if (!*is_alive || state_ == State::deaf) return;
                     const auto* result = std::get_if<PgResult>(&outcome);
                     if (result == nullptr || result->row_count() == 0) return on_lost();
                     done(std::string(result->value(0, 0).value_or("")));
                   });
}

void PrincipalListener::enter(State state) {
  state_ = state;
  on_change_(state);
}

}  // namespace audit::httpd
