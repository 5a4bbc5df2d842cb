// Listens on a connection of its own for changes of users and API keys.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/blocking_calls.hpp"
#include "base/event_loop.hpp"
#include "db/pg_connection.hpp"
#include "db/pg_pool.hpp"
#include "db/pg_session.hpp"

namespace audit::httpd {

// The statement that the pool must prepare for it.
PreparedStatement echo_statement();

class PrincipalListener {
 public:
  enum class State {
    deaf,       // a change would go unnoticed
    listening,  // a change sends a notice
    asking,     // no notice can come (from a standby, through some poolers): changes are only noticed by asking again
  };

  // `on_change` is called for each change of a principal and of the state.
  PrincipalListener(EventLoop& loop, SessionSettings settings, PgPool& pool, std::function<void(State)> on_change);
  ~PrincipalListener();
  PrincipalListener(const PrincipalListener&) = delete;
  PrincipalListener& operator=(const PrincipalListener&) = delete;

  void start() { open(); }

 private:
  void open();
  void on_opened(std::variant<Session, SessionProblem> outcome);
  void on_notification(std::string_view payload);
  void on_lost();
  void check_later();
  void check();
  void enter(State state);

  // Through a pooler. A pooler in session mode passes notices on. In transaction mode only a test can show it: the pool
  // sends a notice on another connection while this one rests.
  void listen_through_pooler();
  void call_for_echo();
  void give_up_listening();
  void clean_up(int tries_left);

  // Runs on this connection. `done` is called with the first column of the result, and not at all if the connection is
  // lost.
  void run(Query query, std::function<void(std::string)> done);

  EventLoop& loop_;
  SessionSettings settings_;
  PgPool& pool_;
  std::function<void(State)> on_change_;
  State state_ = State::deaf;
  BlockingCalls opens_;
  BlockingCalls cancels_;
  std::unique_ptr<PgConnection> connection_;
  bool is_standby_ = false;
  std::string listening_process_;  // the server process that listens through a pooler; empty: none
  std::string echo_;               // the payload that we wait for
  std::optional<EventLoop::TimerId> timer_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace audit::httpd
