#include "db/principal_listener.hpp"

#include <utility>

namespace audit::httpd {
namespace {

// How often the connection is tried: a peer that vanished sends nothing, not even an end.
constexpr std::chrono::seconds check_interval{5};
constexpr std::chrono::seconds check_timeout{5};
constexpr std::chrono::seconds retry_interval{1};

SessionSettings for_listening(SessionSettings settings) {
  settings.listens = true;
  settings.statements.clear();
  return settings;
}

}  // namespace

PrincipalListener::PrincipalListener(EventLoop& loop, SessionSettings settings, std::function<void(State)> on_change)
    : loop_(loop),
      settings_(for_listening(std::move(settings))),
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
  connection_ = std::make_unique<PgConnection>(
      loop_, cancels_, std::move(session->connection),
      PgConnection::Events{[] {}, [this](const std::string&) { on_lost(); }, [this] { on_change_(state_); }});
  enter(session->is_standby ? State::standby : State::listening);
  check_later();
}

void PrincipalListener::on_lost() {
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

// Also notices a standby that became the primary, where it can listen at last.
void PrincipalListener::check() {
  timer_.reset();
  if (!connection_->is_idle()) return;
  connection_->run({{"check", {}}}, Clock::now() + check_timeout, [this, is_alive = is_alive_](QueryOutcome outcome) {
    if (!*is_alive || state_ == State::deaf) return;
    const auto* result = std::get_if<PgResult>(&outcome);
    const bool was_standby = state_ == State::standby;
    if (result != nullptr && (result->value(0, 0) == "t") == was_standby) {
      check_later();
    } else {
      on_lost();
    }
  });
}

void PrincipalListener::enter(State state) {
  state_ = state;
  on_change_(state);
}

}  // namespace audit::httpd
