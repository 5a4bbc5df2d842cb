// Hears at once when users or API keys change, on a connection of its own.
#pragma once

#include <functional>
#include <memory>
#include <variant>

#include "blocking_calls.hpp"
#include "db/pg_connection.hpp"
#include "db/pg_session.hpp"
#include "event_loop.hpp"

namespace audit::httpd {

class PrincipalListener {
 public:
  enum class State {
    deaf,       // a change would go unnoticed
    listening,  // a change is told of
    standby,    // LISTEN is not possible there: changes can only be noticed by asking again
  };

  // `on_change` is called for each change of a principal and of the state.
  PrincipalListener(EventLoop& loop, SessionSettings settings, std::function<void(State)> on_change);
  ~PrincipalListener();
  PrincipalListener(const PrincipalListener&) = delete;
  PrincipalListener& operator=(const PrincipalListener&) = delete;

  void start() { open(); }

 private:
  void open();
  void on_opened(std::variant<Session, SessionProblem> outcome);
  void on_lost();
  void check_later();
  void check();
  void enter(State state);

  EventLoop& loop_;
  SessionSettings settings_;
  std::function<void(State)> on_change_;
  State state_ = State::deaf;
  BlockingCalls opens_;
  BlockingCalls cancels_;
  std::unique_ptr<PgConnection> connection_;
  std::optional<EventLoop::TimerId> timer_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace audit::httpd
