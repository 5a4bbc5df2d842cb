// Open connections, and the queue of requests that wait for one.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocking_calls.hpp"
#include "base/event_loop.hpp"
#include "db/pg_connection.hpp"
#include "db/pg_session.hpp"

namespace audit::httpd {

struct PoolSettings {
  SessionSettings session;
  std::size_t size = 8;
  std::size_t queue_limit = 256;
  std::chrono::milliseconds request_timeout{10000};  // waiting and running together
};

// Passwords are checked in a lane of their own, so that slow hashes never hold all connections.
enum class Lane { normal, password };

// When connections are lost, the pool makes new ones to the first host of the connection string that answers. Callers
// wait meanwhile. If no host answers, the database is away: callers get that answer at once, and the pool tries again
// with growing pauses.
class PgPool {
 public:
  // The first attempt to connect: null if it succeeded.
  using FirstAttempt = std::function<void(const SessionProblem*)>;

  PgPool(EventLoop& loop, PoolSettings settings);
  ~PgPool();
  PgPool(const PgPool&) = delete;
  PgPool& operator=(const PgPool&) = delete;

  // For requests to come.
  void set_limits(std::size_t queue_limit, std::chrono::milliseconds request_timeout) {
    settings_.queue_limit = queue_limit;
    settings_.request_timeout = request_timeout;
  }

  void start(FirstAttempt on_first_attempt);
  // `record` gets how long the query waited and when it began; it may be null. The result is no_query if `done` was
  // called already.
  QueryId run(Query query, Lane lane, RequestRecordPtr record, QueryCallback done);
  // Calls back with `abandoned`, if the query still waits or runs.
  void cancel(QueryId id);

  bool is_usable() const { return open_count() != 0; }
  // Nothing if the database is usable, by a role with the necessary rights and no more. Otherwise the public reason.
  std::optional<std::string_view> why_not_ready() const;
  // A query may be answered by a standby, which can be behind.
  bool has_standby() const;

  struct Use {
    std::size_t in_use;
    std::size_t idle;
    std::size_t waiting;  // requests
  };
  Use use() const;

 private:
  struct Waiting {
    QueryId id;
    Query query;
    RequestRecordPtr record;
    QueryCallback done;
    Clock::time_point begun;
    Clock::time_point deadline;
  };
  using Queue = std::deque<Waiting>;

  std::size_t open_count() const;
  void open_missing();
  void open_one();
  void on_opened(std::variant<Session, SessionProblem> outcome, Clock::time_point begun);
  void on_open_failed(const SessionProblem& problem, Clock::time_point begun);
  void on_lost(PgConnection* connection, const std::string& why);
  void retry_later();
  void check_idle_later();
  void check_idle();
  void retire_bloated();
  void destroy_soon(std::vector<std::unique_ptr<PgConnection>>::iterator connection);
  void note_role(std::optional<std::string_view> why_too_mighty);

  bool has_room(Lane lane) const;
  bool has_idle() const;
  PgConnection* usable_connection();
  Queue* next_queue();
  void serve_waiting();
  void start_query(PgConnection& connection, Waiting waiting, Lane lane);
  void expire_waiting();
  void fail_all_waiting();

  EventLoop& loop_;
  PoolSettings settings_;
  BlockingCalls opens_;
  BlockingCalls cancels_;
  FirstAttempt on_first_attempt_;
  std::vector<std::unique_ptr<PgConnection>> connections_;
  std::vector<std::unique_ptr<PgConnection>> lost_;  // to be destroyed when nothing is inside them
  std::size_t opening_ = 0;
  std::chrono::milliseconds pause_{0};
  Clock::time_point lost_at_;  // the last connection that was; the epoch: none
  std::optional<EventLoop::TimerId> retry_;
  std::optional<EventLoop::TimerId> check_;
  QueryId last_id_ = no_query;
  Queue normal_;
  Queue passwords_;
  std::size_t running_passwords_ = 0;
  std::optional<EventLoop::TimerId> expiry_;
  bool is_away_ = false;
  std::optional<SessionProblem::Kind> logged_problem_;  // since there was a connection
  bool is_too_mighty_ = false;
  std::string_view why_not_usable_ = "Database unavailable";
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace audit::httpd
