// One session of the database inside the event loop: runs a query at a time, with a deadline.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/blocking_calls.hpp"
#include "base/event_loop.hpp"
#include "db/pg_session.hpp"
#include "db/query.hpp"
#include "db/query_outcome.hpp"

namespace audit::httpd {

// A connection in an unknown state would serve the next caller's data. So it is idle only after the server has reported
// that it is done. At the deadline the caller gets its answer and the query is cancelled. The connection is used again
// when the server confirms this, and dropped otherwise.
class PgConnection {
 public:
  struct Events {
    std::function<void()> on_idle;                        // can run the next query
    std::function<void(const std::string& why)> on_lost;  // of no use any more; destroy it, but not inside the call
    std::function<void(std::string_view payload)> on_notification;
  };

  PgConnection(EventLoop& loop, BlockingCalls& cancels, Session session, Events events);
  // Calls back with `away` if a query is under way.
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  bool is_idle() const { return state_ == State::idle; }
  // Nothing has come from the server that was not read yet, such as its end. REQUIRES: is_idle().
  bool is_quiet() const;
  // libpq keeps a buffer of the size of the largest answer that it has received.
  bool is_bloated() const { return is_bloated_; }
  bool is_standby() const;
  // REQUIRES: is_idle(). `done` is called later, exactly once.
  void run(const Query& query, Clock::time_point deadline, QueryCallback done, QueryId id = no_query);
  // The query that `done` still waits for.
  QueryId running() const { return state_ == State::busy ? id_ : no_query; }
  // REQUIRES: running(). `done` is called at once, and the query cancelled.
  void abandon();

 private:
  enum class State { idle, busy, draining, lost };

  bool send(const Query& query);
  bool send(const Statement& statement);
  void flush();
  void on_ready(std::uint32_t epoll_events);
  bool read_results();
  void take_result(PgResult result, int status, pg_result* raw);
  void finish_query();
  void become_idle_when_drained();
  void on_deadline();
  void give_up(QueryFailure failure);
  void cancel_query();
  void unwatch();
  void lose_soon();
  void lose(const std::string& why);
  void answer(QueryOutcome outcome);

  EventLoop& loop_;
  BlockingCalls& cancels_;
  PgConnPtr connection_;
  std::optional<Unkept> unkept_;
  Events events_;
  State state_ = State::idle;
  int socket_;
  bool is_watched_ = true;
  bool is_bloated_ = false;
  bool wants_write_ = false;
  bool is_synced_ = false;           // while draining: the server has finished the query
  bool is_cancel_returned_ = false;  // while draining: no cancel can hit the next query
  QueryCallback done_;
  QueryId id_ = no_query;
  std::optional<EventLoop::TimerId> timer_;
  std::optional<PgResult> result_;
  std::optional<QueryFailure> failure_;
  std::shared_ptr<PgConnection*> self_;  // points to null when this is gone
};

}  // namespace audit::httpd
