#include "db/pg_pool.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace audit::httpd {
namespace {

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{2000};
constexpr std::chrono::seconds check_interval{5};
constexpr std::chrono::seconds check_timeout{5};

}  // namespace

PgPool::PgPool(EventLoop& loop, PoolSettings settings)
    : loop_(loop), settings_(std::move(settings)), opens_(loop), cancels_(loop) {}

PgPool::~PgPool() {
  *is_alive_ = false;
  if (retry_) loop_.cancel(*retry_);
  if (expiry_) loop_.cancel(*expiry_);
  if (check_) loop_.cancel(*check_);
  std::vector<std::unique_ptr<PgConnection>> closing;
  closing.swap(connections_);
  is_away_ = true;  // so that callers who ask again do not wait
  fail_all_waiting();
}

void PgPool::start(FirstAttempt on_first_attempt) {
  on_first_attempt_ = std::move(on_first_attempt);
  open_one();
  check_idle_later();
}

std::size_t PgPool::open_count() const { return connections_.size(); }

bool PgPool::has_standby() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return connection->is_standby(); });
}

PgPool::Use PgPool::use() const {
  const auto idle = static_cast<std::size_t>(std::count_if(
      connections_.begin(), connections_.end(), [](const auto& connection) { return connection->is_idle(); }));
  return {connections_.size() - idle, idle, normal_.size() + passwords_.size()};
}

// Without a connection, one attempt at a time shows whether the database is back. The others follow it.
void PgPool::open_missing() {
  const std::size_t wanted = connections_.empty() ? 1 : settings_.size;
  while (connections_.size() + opening_ < wanted) open_one();
}

void PgPool::open_one() {
  ++opening_;
  opens_.submit([this, settings = settings_.session, is_alive = is_alive_]() -> BlockingCalls::Done {
    const Clock::time_point begun = Clock::now();
    auto outcome = std::make_shared<std::variant<Session, SessionProblem>>(open_session(settings));
    return [this, outcome, begun, is_alive] {
      if (*is_alive) on_opened(std::move(*outcome), begun);
    };
  });
}

void PgPool::on_opened(std::variant<Session, SessionProblem> outcome, Clock::time_point begun) {
  --opening_;
  const FirstAttempt first = std::exchange(on_first_attempt_, nullptr);
  if (const auto* problem = std::get_if<SessionProblem>(&outcome)) {
    on_open_failed(*problem, begun);
    if (first) first(problem);
    return;
  }
  if (connections_.empty()) spdlog::info("database connected");
  is_away_ = false;
  logged_problem_.reset();
  pause_ = std::chrono::milliseconds(0);
  // Its callbacks need its own address, which is known only afterwards.
  auto self = std::make_shared<PgConnection*>(nullptr);
  connections_.push_back(std::make_unique<PgConnection>(
      loop_, cancels_, std::move(std::get<Session>(outcome)),
      PgConnection::Events{[this] { serve_waiting(); }, [this, self](const std::string& why) { on_lost(*self, why); },
                           nullptr}));
  *self = connections_.back().get();
  open_missing();
  serve_waiting();
  if (first) first(nullptr);
}

std::optional<std::string_view> PgPool::why_not_ready() const {
  if (!is_usable()) return why_not_usable_;
  if (is_too_mighty_) return SessionProblem{SessionProblem::Kind::too_mighty, {}}.public_reason();
  return std::nullopt;
}

// An attempt that a server's end has cut short says nothing about the other hosts. The next attempt does.
void PgPool::on_open_failed(const SessionProblem& problem, Clock::time_point begun) {
  if (connections_.empty() && begun < lost_at_) return open_missing();
  why_not_usable_ = problem.public_reason();
  if (std::exchange(logged_problem_, problem.kind) != problem.kind)
    spdlog::error("database not usable: {}", problem.message);
  if (connections_.empty()) {
    is_away_ = true;
    fail_all_waiting();
  }
  retry_later();
}

void PgPool::on_lost(PgConnection* connection, const std::string& why) {
  spdlog::warn("database connection lost: {}", why);
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& candidate) { return candidate.get() == connection; });
  destroy_soon(found);
  lost_at_ = Clock::now();
  retry_later();
}

void PgPool::destroy_soon(std::vector<std::unique_ptr<PgConnection>>::iterator connection) {
  lost_.push_back(std::move(*connection));
  connections_.erase(connection);
  loop_.call_soon([this, is_alive = is_alive_] {
    if (*is_alive) lost_.clear();
  });
}

// One at a time, so that the others serve.
void PgPool::retire_bloated() {
  const auto found = std::find_if(connections_.begin(), connections_.end(), [](const auto& connection) {
    return connection->is_idle() && connection->is_bloated();
  });
  if (found == connections_.end()) return;
  destroy_soon(found);
  open_missing();
}

void PgPool::retry_later() {
  if (retry_) return;
  retry_ = loop_.call_after(pause_, [this] {
    retry_.reset();
    open_missing();
  });
  pause_ = std::clamp(pause_ * 2, first_pause, longest_pause);
}

void PgPool::check_idle_later() {
  check_ = loop_.call_after(check_interval, [this] { check_idle(); });
}

// A server that hangs or vanished sends nothing. So an idle connection is tried, and counts as lost if there is no
// answer in time.
void PgPool::check_idle() {
  retire_bloated();
  for (const auto& connection : connections_) {
    if (connection->is_idle())
      connection->run({{"check", {}}}, Clock::now() + check_timeout,
                      [this, is_alive = is_alive_](const QueryOutcome& outcome) {
                        const auto* result = std::get_if<PgResult>(&outcome);
                        if (*is_alive && result != nullptr && result->row_count() == 1) note_role(result->value(0, 1));
                      });
  }
  check_idle_later();
}

// The role may get more rights while it is in use.
void PgPool::note_role(std::optional<std::string_view> why_too_mighty) {
  const bool was_too_mighty = std::exchange(is_too_mighty_, why_too_mighty.has_value());
  if (is_too_mighty_ && !was_too_mighty) spdlog::error("not ready any more: the database role {}", *why_too_mighty);
  if (!is_too_mighty_ && was_too_mighty) spdlog::info("ready again: the database role is not too mighty any more");
}

QueryId PgPool::run(Query query, Lane lane, RequestRecordPtr record, QueryCallback done) {
  if (is_away_) {
    done(QueryFailure{QueryFailure::Kind::away, {}, {}, "no connection"});
    return no_query;
  }
  Queue& queue = lane == Lane::password ? passwords_ : normal_;
  const bool must_wait = !queue.empty() || !has_idle();
  if (must_wait && !has_room(lane)) {
    done(QueryFailure{QueryFailure::Kind::overloaded, {}, {}, "the queue is full"});
    return no_query;
  }
  const Clock::time_point now = Clock::now();
  const QueryId id = ++last_id_;
  queue.push_back({id, std::move(query), std::move(record), std::move(done), now, now + settings_.request_timeout});
  serve_waiting();
  if (!expiry_ && (!normal_.empty() || !passwords_.empty())) expire_waiting();
  return id;
}

void PgPool::cancel(QueryId id) {
  for (Queue* queue : {&normal_, &passwords_}) {
    const auto found = std::find_if(queue->begin(), queue->end(), [&](const auto& one) { return one.id == id; });
    if (found == queue->end()) continue;
    const QueryCallback done = std::move(found->done);
    queue->erase(found);
    return done(QueryFailure{QueryFailure::Kind::abandoned, {}, {}, "the client has gone"});
  }
  for (const auto& connection : connections_) {
    if (connection->running() == id) return connection->abandon();
  }
}

// Those who wait for a password check, slow as it is, may take a quarter of the room.
bool PgPool::has_room(Lane lane) const {
  if (lane == Lane::password && passwords_.size() >= std::max<std::size_t>(1, settings_.queue_limit / 4)) return false;
  return normal_.size() + passwords_.size() < settings_.queue_limit;
}

bool PgPool::has_idle() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return connection->is_idle(); });
}

// A query may be here before the loop has seen that a server has gone. It must not be sent there.
PgConnection* PgPool::usable_connection() {
  for (const auto& connection : connections_) {
    if (connection->is_idle() && connection->is_quiet()) return connection.get();
  }
  return nullptr;
}

// The one whose first has waited longest, among those that may run.
PgPool::Queue* PgPool::next_queue() {
  const bool may_check_password = running_passwords_ < std::max<std::size_t>(1, settings_.size / 2);
  if (passwords_.empty() || !may_check_password) return normal_.empty() ? nullptr : &normal_;
  if (normal_.empty()) return &passwords_;
  return normal_.front().deadline <= passwords_.front().deadline ? &normal_ : &passwords_;
}

void PgPool::serve_waiting() {
  for (;;) {
    Queue* queue = next_queue();
    if (queue == nullptr) return;
    PgConnection* connection = usable_connection();
    if (connection == nullptr) return;
    Waiting waiting = std::move(queue->front());
    queue->pop_front();
    start_query(*connection, std::move(waiting), queue == &passwords_ ? Lane::password : Lane::normal);
  }
}

void PgPool::start_query(PgConnection& connection, Waiting waiting, Lane lane) {
  // The server's own timeout comes first, unless waiting has used up the request's time or the server is stuck.
  constexpr std::chrono::milliseconds grace{500};
  const Clock::time_point deadline =
      std::min(waiting.deadline, Clock::now() + settings_.session.statement_timeout + grace);
  if (waiting.record) {
    waiting.record->query_begun = Clock::now();
    waiting.record->queue = *waiting.record->query_begun - waiting.begun;
  }
  if (lane == Lane::normal) {
    connection.run(waiting.query, deadline, std::move(waiting.done), waiting.id);
    return;
  }
  ++running_passwords_;
  connection.run(
      waiting.query, deadline,
      [this, is_alive = is_alive_, done = std::move(waiting.done)](QueryOutcome outcome) {
        if (*is_alive) {
          --running_passwords_;
          loop_.call_soon([this, is_alive] {
            if (*is_alive) serve_waiting();
          });
        }
        done(std::move(outcome));
      },
      waiting.id);
}

// Every request may wait equally long, so the first of each queue is the first to expire.
void PgPool::expire_waiting() {
  expiry_.reset();
  for (Queue* queue : {&normal_, &passwords_}) {
    while (!queue->empty() && queue->front().deadline <= Clock::now()) {
      Waiting expired = std::move(queue->front());
      queue->pop_front();
      expired.done(QueryFailure{QueryFailure::Kind::overloaded, {}, {}, "waited too long for a connection"});
    }
  }
  Clock::time_point next = Clock::time_point::max();
  for (const Queue* queue : {&normal_, &passwords_}) {
    if (!queue->empty()) next = std::min(next, queue->front().deadline);
  }
  if (next != Clock::time_point::max() && !expiry_) expiry_ = loop_.call_at(next, [this] { expire_waiting(); });
}

void PgPool::fail_all_waiting() {
  for (Queue* queue : {&normal_, &passwords_}) {
    Queue failing;
    failing.swap(*queue);
    for (Waiting& waiting : failing) waiting.done(QueryFailure{QueryFailure::Kind::away, {}, {}, "no connection"});
  }
}

}  // namespace audit::httpd
