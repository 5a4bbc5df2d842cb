#include "db/pg_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace audit::httpd {
namespace {

constexpr std::chrono::seconds drain_time{2};
constexpr std::size_t large_answer_bytes = 4 * 1024 * 1024;

std::string field(const PGresult* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value == nullptr ? std::string() : std::string(value);
}

// The server says goodbye (57P01 to 57P05), or the connection itself failed (no code at all).
bool is_connection_failure(const std::string& sqlstate) {
  return sqlstate.empty() || sqlstate.compare(0, 3, "57P") == 0;
}

QueryFailure as_failure(const PGresult* result) {
  QueryFailure failure{QueryFailure::Kind::sql_error, field(result, PG_DIAG_SQLSTATE),
                       field(result, PG_DIAG_CONSTRAINT_NAME), field(result, PG_DIAG_MESSAGE_PRIMARY)};
  if (is_connection_failure(failure.sqlstate)) failure.kind = QueryFailure::Kind::away;
  if (failure.sqlstate == "57014") failure.kind = QueryFailure::Kind::timed_out;
  return failure;
}

}  // namespace

PgResult::PgResult(pg_result* result) : result_(result, [](void* owned) { PQclear(static_cast<PGresult*>(owned)); }) {}

int PgResult::row_count() const { return PQntuples(static_cast<PGresult*>(result_.get())); }

std::optional<std::string_view> PgResult::value(int row, int column) const {
  const auto* result = static_cast<PGresult*>(result_.get());
  if (PQgetisnull(result, row, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column)));
}

std::optional<std::int64_t> PgResult::integer(int row, int column) const {
  const std::optional<std::string_view> text = value(row, column);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

Body PgResult::into_body(int column) && {
  const std::string_view bytes = value(0, column).value();
  return Body(bytes, std::move(result_));
}

PgConnection::PgConnection(EventLoop& loop, BlockingCalls& cancels, Session session, Events events)
    : loop_(loop),
      cancels_(cancels),
      connection_(std::move(session.connection)),
      unkept_(std::move(session.unkept)),
      events_(std::move(events)),
      socket_(PQsocket(connection_.get())),
      self_(std::make_shared<PgConnection*>(this)) {
  loop_.watch(socket_, EPOLLIN, [this](std::uint32_t epoll_events) { on_ready(epoll_events); });
}

PgConnection::~PgConnection() {
  *self_ = nullptr;
  if (timer_) loop_.cancel(*timer_);
  unwatch();
  if (done_) answer(QueryFailure{QueryFailure::Kind::away, {}, {}, "closing"});
}

// libpq closes the socket of a connection that breaks.
void PgConnection::unwatch() {
  if (!std::exchange(is_watched_, false)) return;
  if (PQsocket(connection_.get()) == socket_) {
    loop_.unwatch(socket_);
  } else {
    loop_.forget(socket_);
  }
}

// The server says so when we connect, and again when it changes.
bool PgConnection::is_standby() const {
  const char* value = PQparameterStatus(connection_.get(), "in_hot_standby");
  return value != nullptr && std::string_view(value) == "on";
}

bool PgConnection::is_quiet() const {
  pollfd readable{socket_, POLLIN, 0};
  return poll(&readable, 1, 0) == 0;
}

void PgConnection::run(const Query& query, Clock::time_point deadline, QueryCallback done, QueryId id) {
  state_ = State::busy;
  id_ = id;
  done_ = std::move(done);
  timer_ = loop_.call_at(deadline, [this] { on_deadline(); });
  if (send(query)) {
    flush();
  } else {
    lose_soon();
  }
}

// Not inside the caller, which may still be using what the callback changes.
void PgConnection::lose_soon() {
  if (PQsocket(connection_.get()) != socket_) unwatch();  // now, before anything else gets the number
  loop_.call_soon([self = self_] {
    if (*self != nullptr) (*self)->lose(PQerrorMessage((*self)->connection_.get()));
  });
}

bool PgConnection::send(const Query& query) {
  if (unkept_ && !send(unkept_->settings)) return false;
  for (const Statement& statement : query) {
    if (!send(statement)) return false;
  }
  return PQpipelineSync(connection_.get()) == 1;
}

bool PgConnection::send(const Statement& statement) {
  const Parameters& parameters = statement.parameters;
  const int count = static_cast<int>(parameters.count());
  std::array<const char*, Parameters::max_count> values{};
  std::array<int, Parameters::max_count> lengths{};
  std::array<int, Parameters::max_count> formats{};
  for (std::size_t i = 0; i < parameters.count(); ++i) {
    values[i] = parameters.is_null(i) ? nullptr : parameters.value(i).data();
    lengths[i] = static_cast<int>(parameters.value(i).size());
    formats[i] = 1;
  }
  if (!unkept_) {
    return PQsendQueryPrepared(connection_.get(), statement.name, count, values.data(), lengths.data(), formats.data(),
                               0) == 1;
  }
  const auto whole =
      std::find_if(unkept_->statements.begin(), unkept_->statements.end(),
                   [&](const PreparedStatement& one) { return std::string_view(one.name) == statement.name; });
  std::array<Oid, Parameters::max_count> types{};
  std::transform(whole->parameters.begin(), whole->parameters.end(), types.begin(),
                 [](SqlType type) { return static_cast<Oid>(type); });
  return PQsendQueryParams(connection_.get(), whole->sql.c_str(), count, types.data(), values.data(), lengths.data(),
                           formats.data(), 0) == 1;
}

void PgConnection::flush() {
  const bool has_more = PQflush(connection_.get()) == 1;
  if (PQsocket(connection_.get()) != socket_) return lose_soon();  // it broke, and libpq has closed it
  if (has_more != wants_write_) loop_.change_events(socket_, has_more ? EPOLLIN | EPOLLOUT : EPOLLIN);
  wants_write_ = has_more;
}

void PgConnection::on_ready(std::uint32_t epoll_events) {
  if ((epoll_events & EPOLLOUT) != 0) flush();
  const bool was_idle = is_idle();
  const bool is_read = PQconsumeInput(connection_.get()) == 1;
  // What the server sent before it went away counts: it may be the whole answer.
  if (!read_results() || !is_read) {
    lose(PQerrorMessage(connection_.get()));
    return;
  }
  while (PGnotify* notification = PQnotifies(connection_.get())) {
    if (events_.on_notification) events_.on_notification(notification->extra);
    PQfreemem(notification);
  }
  if (was_idle) events_.on_idle();  // a query may have waited for this
}

// False: the connection broke.
bool PgConnection::read_results() {
  while ((state_ == State::busy || (state_ == State::draining && !is_synced_)) && PQisBusy(connection_.get()) == 0) {
    PGresult* raw = PQgetResult(connection_.get());
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      PQclear(raw);
      return false;
    }
    if (raw == nullptr) continue;  // between two statements
    take_result(PgResult(raw), PQresultStatus(raw), raw);
  }
  return true;
}

void PgConnection::take_result(PgResult result, int status, pg_result* raw) {
  switch (status) {
    case PGRES_PIPELINE_SYNC: finish_query(); break;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
      is_bloated_ = is_bloated_ || PQresultMemorySize(raw) > large_answer_bytes;
      result_ = std::move(result);
      break;
    case PGRES_PIPELINE_ABORTED: break;  // follows the error that counts
    default:
      if (!failure_) failure_ = as_failure(raw);
  }
}

void PgConnection::finish_query() {
  std::optional<PgResult> result = std::exchange(result_, std::nullopt);
  std::optional<QueryFailure> failure = std::exchange(failure_, std::nullopt);
  if (state_ == State::draining) {
    is_synced_ = true;
    become_idle_when_drained();
    return;
  }
  loop_.cancel(*timer_);
  timer_.reset();
  state_ = State::idle;
  const QueryCallback done = std::exchange(done_, nullptr);
  events_.on_idle();  // before the answer, so that the next query is on its way while this one is written
  if (failure) {
    done(std::move(*failure));
  } else {
    done(std::move(result.value()));
  }
}

void PgConnection::on_deadline() {
  timer_.reset();
  if (state_ == State::draining) {
    lose("no answer to a cancelled query");
    return;
  }
  give_up({QueryFailure::Kind::timed_out, "57014", {}, "cancelled at the request's deadline"});
}

void PgConnection::abandon() {
  loop_.cancel(*timer_);
  give_up({QueryFailure::Kind::abandoned, "57014", {}, "cancelled because the client has gone"});
}

void PgConnection::give_up(QueryFailure failure) {
  state_ = State::draining;
  is_synced_ = is_cancel_returned_ = false;
  timer_ = loop_.call_after(drain_time, [this] { on_deadline(); });
  cancel_query();
  answer(std::move(failure));
}

void PgConnection::cancel_query() {
  PGcancel* cancel = PQgetCancel(connection_.get());
  cancels_.submit([cancel, self = self_]() -> BlockingCalls::Done {
    std::array<char, 256> ignored;
    PQcancel(cancel, ignored.data(), static_cast<int>(ignored.size()));
    PQfreeCancel(cancel);
    return [self] {
      if (*self == nullptr) return;
      (*self)->is_cancel_returned_ = true;
      (*self)->become_idle_when_drained();
    };
  });
}

void PgConnection::become_idle_when_drained() {
  if (state_ != State::draining || !is_synced_ || !is_cancel_returned_) return;
  loop_.cancel(*timer_);
  timer_.reset();
  state_ = State::idle;
  events_.on_idle();
}

void PgConnection::lose(const std::string& why) {
  if (state_ == State::lost) return;
  state_ = State::lost;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  unwatch();
  // First the owner, so that it does not count this connection any more when the caller asks.
  events_.on_lost(why);
  if (done_)
    answer(failure_ && failure_->kind == QueryFailure::Kind::timed_out
               ? *failure_
               : QueryFailure{QueryFailure::Kind::away, {}, {}, why});
}

void PgConnection::answer(QueryOutcome outcome) {
  const QueryCallback done = std::exchange(done_, nullptr);
  done(std::move(outcome));
}

}  // namespace audit::httpd
