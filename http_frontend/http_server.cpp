#include "http_server.hpp"

#include <dlfcn.h>
#include <microhttpd.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>

#include "problem.hpp"
#include "request_target.hpp"

namespace audit::httpd {
namespace {

// The memory of one connection holds the head of the request, the library's parse of it and the head of the response.
// The library clears all of it after each request, so a larger one costs time and memory even where it is not used.
constexpr std::size_t connection_memory_bytes = 32 * 1024;
constexpr std::size_t max_target_bytes = 8 * 1024;
constexpr std::size_t max_ignored_body_bytes = 1024 * 1024;
constexpr int client_gone_status = 499;  // nginx's number for it, which never reaches a client

// What the library keeps for us with each connection.
struct Connection {
  HttpServer& server;
  TlsCredentialsPtr tls;  // null: plain HTTP
  std::optional<ClientCertificate> client_certificate;
  bool is_answered_by_library = false;  // the request that is under way
};

Connection& state_of(MHD_Connection* connection) {
  return *static_cast<Connection*>(
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
}

class MhdExchange final : public Exchange, public std::enable_shared_from_this<MhdExchange> {
 public:
  MhdExchange(HttpServer& server, MHD_Connection* connection, const char* target)
      : server_(server), connection_(connection) {
    const std::string_view raw = target;
    is_target_too_long_ = raw.size() > max_target_bytes;
    if (!is_target_too_long_) split_target(raw, request_.path, request_.query);
  }
  ~MhdExchange() override {
    if (is_dispatched_) server_.request_closed();
    server_.release_body_bytes(request_.body.size());
  }

  void respond(Response response) override;

  // The library's access callback: first with the head, then with each piece of the body, then with its end, and once
  // more after a suspended request was resumed.
  MHD_Result accept_head(const char* method);
  MHD_Result accept_body(std::string_view piece);
  MHD_Result answer();
  void finish(bool is_sent);

  bool has_head() const { return has_head_; }

 private:
  std::string_view header(const char* name) const;
  std::string joined_headers(const char* name) const;
  MHD_Result queue_response();
  void drop_body();
  void suspend();

  HttpServer& server_;
  MHD_Connection* connection_;
  std::optional<Response> response_;
  std::optional<Clock::time_point> queued_at_;
  std::size_t max_body_bytes_ = 0;
  std::size_t body_bytes_ = 0;  // that have come
  bool has_no_room_ = false;    // for the body, among those of others
  bool is_target_too_long_ = false;
  bool has_head_ = false;
  bool is_dispatched_ = false;
  bool is_suspended_ = false;
};

using QueueResponse = decltype(&MHD_queue_response);

// The library's own function, which the definition at the end of this file hides.
QueueResponse library_queue_response() {
  static const auto function = reinterpret_cast<QueueResponse>(dlsym(RTLD_NEXT, "MHD_queue_response"));
  return function;
}

MHD_Result queue(MHD_Connection* connection, Response response, const std::string* request_id, bool is_last) {
  const std::string_view bytes = response.body.bytes();
  Body::Owner owner = response.body.release_owner();
  MHD_Response* made = MHD_create_response_from_buffer_with_free_callback_cls(
      bytes.size(), const_cast<char*>(bytes.data()), owner.get_deleter(), owner.get());
  if (made == nullptr) return MHD_NO;
  static_cast<void>(owner.release());
  for (const Header& header : response.headers) MHD_add_response_header(made, header.name, header.value.c_str());
  if (request_id != nullptr) MHD_add_response_header(made, "X-Request-ID", request_id->c_str());
  if (is_last) MHD_add_response_header(made, MHD_HTTP_HEADER_CONNECTION, "close");
  const MHD_Result result = library_queue_response()(connection, static_cast<unsigned>(response.status), made);
  MHD_destroy_response(made);
  return result;
}

std::string client_address(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  std::array<char, NI_MAXHOST> host{};
  if (info == nullptr || info->client_addr == nullptr) return "unknown";
  const socklen_t size = info->client_addr->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (getnameinfo(info->client_addr, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "unknown";
  return host.data();
}

// What a log and a header can carry without a second thought.
bool is_sane_request_id(std::string_view id) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:+/=@";
  return !id.empty() && id.size() <= 128 && id.find_first_not_of(allowed) == std::string_view::npos;
}

gnutls_session_int* tls_session(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  return static_cast<gnutls_session_int*>(info->tls_session);
}

const ClientCertificate* client_certificate(MHD_Connection* connection) {
  Connection& state = state_of(connection);
  if (!state.tls) return nullptr;
  if (!state.client_certificate) state.client_certificate = client_certificate_of(tls_session(connection));
  return state.client_certificate ? &*state.client_certificate : nullptr;
}

// For a browser's developer tools. Durations are in milliseconds.
std::string server_timing(const RequestRecord& record) {
  std::string value;
  const auto add = [&](const char* name, const RequestRecord::Duration& duration) {
    if (!duration) return;
    const double ms = std::chrono::duration<double, std::milli>(*duration).count();
    value.append(fmt::format("{}{};dur={:.3f}", value.empty() ? "" : ", ", name, ms));
  };
  add("auth", record.auth);
  add("queue", record.queue);
  add("db", record.database);
  return value;
}

std::string_view MhdExchange::header(const char* name) const {
  const char* value = nullptr;
  std::size_t size = 0;
  MHD_lookup_connection_value_n(connection_, MHD_HEADER_KIND, name, std::char_traits<char>::length(name), &value,
                                &size);
  return value == nullptr ? std::string_view() : std::string_view(value, size);
}

std::string MhdExchange::joined_headers(const char* name) const {
  struct Collected {
    std::string_view name;
    std::string values;
  } collected{name, {}};
  MHD_get_connection_values(
      connection_, MHD_HEADER_KIND,
      [](void* target, MHD_ValueKind, const char* key, const char* value) {
        auto& into = *static_cast<Collected*>(target);
        if (value != nullptr && equals_ignoring_case(key, into.name)) into.values.append(value).push_back(',');
        return MHD_YES;
      },
      &collected);
  return collected.values;
}

MHD_Result MhdExchange::accept_head(const char* method) {
  has_head_ = true;
  request_.method = method;
  request_.client_address = client_address(connection_);
  request_.authorization = header(MHD_HTTP_HEADER_AUTHORIZATION);
  request_.api_key = header("X-API-Key");
  request_.content_type = header(MHD_HTTP_HEADER_CONTENT_TYPE);
  request_.content_encoding = header(MHD_HTTP_HEADER_CONTENT_ENCODING);
  request_.idempotency_key = header("Idempotency-Key");
  request_.prefer = joined_headers("Prefer");
  request_.client_certificate = client_certificate(connection_);
  const std::string_view id = header("X-Request-ID");
  request_.id = is_sane_request_id(id) ? std::string(id) : server_.make_request_id();

  const std::string_view length = header(MHD_HTTP_HEADER_CONTENT_LENGTH);
  max_body_bytes_ = server_.max_body_bytes(request_);
  std::size_t body_size = 0;
  const auto parsed = std::from_chars(length.data(), length.data() + length.size(), body_size);
  const bool is_too_large = parsed.ec == std::errc::result_out_of_range || body_size > max_body_bytes_;
  if (is_target_too_long_) {
    response_ = problem(414, "URI Too Long");
  } else if (is_too_large) {
    response_ = problem(413, "Content Too Large");
  }
  if (!response_) request_.body.reserve(body_size);  // takes no memory until it is filled
  // A response given before the body was read also tells the library to close the connection.
  return response_ ? queue_response() : MHD_YES;
}

MHD_Result MhdExchange::accept_body(std::string_view piece) {
  body_bytes_ += piece.size();
  if (body_bytes_ <= max_body_bytes_ && !has_no_room_) {
    has_no_room_ = !server_.hold_body_bytes(piece.size());
    if (!has_no_room_) request_.body.append(piece);
  }
  if (body_bytes_ > max_body_bytes_ || has_no_room_) drop_body();
  return body_bytes_ <= max_body_bytes_ + max_ignored_body_bytes ? MHD_YES : MHD_NO;  // no: closes the connection
}

void MhdExchange::drop_body() {
  server_.release_body_bytes(request_.body.size());
  std::string().swap(request_.body);
}

MHD_Result MhdExchange::answer() {
  if (!is_dispatched_) {
    is_dispatched_ = true;
    server_.request_opened();
    if (body_bytes_ > max_body_bytes_) {
      response_ = problem(413, "Content Too Large");
    } else if (has_no_room_) {
      response_ = unavailable_problem("Too many large requests are under way", "overloaded");
    } else {
      server_.dispatch(shared_from_this());
    }
  }
  if (response_) return queue_response();
  server_.call_after_run([exchange = weak_from_this()] {
    if (const auto self = exchange.lock()) self->suspend();
  });
  return MHD_YES;
}

// Not inside the library's callback: there it would leave the connection marked as one to read from, and read an early
// end of the client's side (shutdown) before the answer, which would then never be sent.
void MhdExchange::suspend() {
  if (is_suspended_ || connection_ == nullptr) return;
  is_suspended_ = true;
  MHD_suspend_connection(connection_);
}

void MhdExchange::respond(Response response) {
  if (connection_ == nullptr) return;  // the client has gone
  response_ = std::move(response);
  const Clock::time_point now = Clock::now();
  if (record_.query_begun) record_.database = now - *record_.query_begun;
  if (!is_suspended_) return;  // still inside answer(), which queues it
  is_suspended_ = false;
  server_.run_soon();
  MHD_resume_connection(connection_);
}

MHD_Result MhdExchange::queue_response() {
  record_.status = response_->status;
  record_.body_bytes = response_->body.bytes().size();
  record_.rejection = response_->rejection;
  if (server_.has_server_timing() && record_.principal) {
    response_->headers.push_back({"Server-Timing", server_timing(record_)});
  }
  queued_at_ = Clock::now();
  return queue(connection_, std::move(*response_), &request_.id, server_.is_stopping());
}

// The library is done with the request: answered, or its connection has ended.
void MhdExchange::finish(bool is_sent) {
  Connection& connection = state_of(std::exchange(connection_, nullptr));
  if (!has_head_ || std::exchange(connection.is_answered_by_library, false)) return;
  const Clock::time_point now = Clock::now();
  if (!is_sent) record_.status = client_gone_status;
  if (queued_at_) record_.send = now - *queued_at_;
  record_.total = now - record_.begun;
  server_.finished(request_, record_);
}

// The callbacks of the library. No exception may leave them; running out of memory costs the one connection.

// Version 0.9.75 keeps a record of each parameter in the connection's memory, and stops, without an answer or an end,
// where they do not fit. The query is ours to parse, so let it find an empty one: the target lies in a buffer that it
// goes on to write to itself.
void hide_query(const char* target) {
  char* mark = std::strchr(const_cast<char*>(target), '?');
  if (mark != nullptr && mark[1] != '\0') mark[1] = '\0';
}

void* on_target(void* server, const char* target, MHD_Connection* connection) noexcept {
  try {
    auto exchange = std::make_shared<MhdExchange>(*static_cast<HttpServer*>(server), connection, target);
    hide_query(target);
    return new std::shared_ptr<MhdExchange>(std::move(exchange));
  } catch (const std::exception& error) {
    spdlog::error("request dropped: {}", error.what());
    return nullptr;
  }
}

MHD_Result on_access(void*, MHD_Connection*, const char*, const char* method, const char*, const char* body,
                     std::size_t* body_size, void** context) noexcept {
  try {
    if (*context == nullptr) return MHD_NO;
    MhdExchange& exchange = **static_cast<std::shared_ptr<MhdExchange>*>(*context);
    if (!exchange.has_head()) return exchange.accept_head(method);
    if (*body_size == 0) return exchange.answer();
    const std::string_view piece(body, *body_size);
    *body_size = 0;
    return exchange.accept_body(piece);
  } catch (const std::exception& error) {
    spdlog::error("request dropped: {}", error.what());
    return MHD_NO;
  }
}

void on_completed(void*, MHD_Connection*, void** context, MHD_RequestTerminationCode code) noexcept {
  const std::unique_ptr<std::shared_ptr<MhdExchange>> exchange(static_cast<std::shared_ptr<MhdExchange>*>(*context));
  *context = nullptr;
  try {
    if (exchange) (*exchange)->finish(code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  } catch (const std::exception& error) {
    spdlog::error("request not recorded: {}", error.what());
  }
}

void on_connection(void* server, MHD_Connection* connection, void** context,
                   MHD_ConnectionNotificationCode code) noexcept {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  HttpServer& self = *static_cast<HttpServer*>(server);
  try {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      auto* state = new Connection{self, self.tls(), std::nullopt};
      *context = state;
      if (state->tls) state->tls->apply_to(tls_session(connection));
      self.connection_opened(info->connect_fd);
    } else {
      delete static_cast<Connection*>(std::exchange(*context, nullptr));
      self.connection_closed(info->connect_fd);
    }
  } catch (const std::exception& error) {
    spdlog::error("connection not watched: {}", error.what());
  }
}

void on_library_message(void*, const char* format, va_list arguments) noexcept {
  std::array<char, 512> text{};
  vsnprintf(text.data(), text.size(), format, arguments);
  std::string_view line = text.data();
  while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  spdlog::debug("libmicrohttpd: {}", line);
}

}  // namespace

HttpServer::HttpServer(EventLoop& loop, UniqueFd listening, const HttpLimits& limits, TlsCredentialsPtr tls,
                       MaxBodyBytes max_body_bytes, Dispatch dispatch, Finished finished)
    : loop_(loop),
      max_body_bytes_(std::move(max_body_bytes)),
      dispatch_(std::move(dispatch)),
      finished_(std::move(finished)),
      listening_(std::move(listening)),
      tls_(std::move(tls)),
      body_memory_bytes_(limits.body_memory_bytes) {
  if (getrandom(&request_prefix_, sizeof request_prefix_, 0) != sizeof request_prefix_) {
    throw std::runtime_error("getrandom failed");
  }
  // on_connection() gives each session our credentials before its handshake, so that they can be changed. The library,
  // which keeps to those that it starts with, is content with a callback for them that it then never calls.
  std::array<MHD_OptionItem, 3> tls_options{{{MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(tls_priority)},
                                             {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, no_certificate_callback()},
                                             {MHD_OPTION_END, 0, nullptr}}};
  daemon_ = MHD_start_daemon(
      (has_tls() ? MHD_USE_TLS : MHD_NO_FLAG) | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
      nullptr, nullptr, on_access, this, MHD_OPTION_EXTERNAL_LOGGER, on_library_message, nullptr,
      MHD_OPTION_LISTEN_SOCKET, listening_.get(), MHD_OPTION_URI_LOG_CALLBACK, on_target, this,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, nullptr, MHD_OPTION_NOTIFY_CONNECTION, on_connection, this,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory_bytes, MHD_OPTION_CONNECTION_LIMIT, limits.connections,
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits.connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(limits.idle_timeout.count()), MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, has_tls() ? tls_options.data() : &tls_options.back(),
      MHD_OPTION_END);
  if (daemon_ == nullptr) throw std::runtime_error("libmicrohttpd does not start");
  library_epoll_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  loop_.watch(library_epoll_, EPOLLIN, [this](std::uint32_t) { run_needed_ = true; });
  prepare_ = loop_.add_prepare([this] { return run_library(); });
}

HttpServer::~HttpServer() {
  loop_.remove_prepare(prepare_);
  loop_.unwatch(library_epoll_);
  static_cast<void>(listening_.release());  // closed by the library, or by stop_accepting()
  MHD_stop_daemon(daemon_);
}

void HttpServer::stop_accepting() {
  stopping_ = true;
  const int socket = MHD_quiesce_daemon(daemon_);
  if (socket >= 0) close(socket);
}

// The library waits for edges of readiness. One that comes with the client's last bytes it takes for those alone, and
// then it does not notice that the client has closed. Shutting down what is closed already makes another edge; what has
// arrived can still be read, and an answer still be sent.
void HttpServer::connection_opened(int socket) {
  ++connections_;
  loop_.watch(socket, EPOLLRDHUP | EPOLLONESHOT, [this, socket](std::uint32_t) {
    run_needed_ = true;
    call_after_run([this, socket] {
      if (loop_.is_watched(socket)) shutdown(socket, SHUT_RD);
    });
  });
}

void HttpServer::connection_closed(int socket) {
  --connections_;
  loop_.unwatch(socket);
}

bool HttpServer::hold_body_bytes(std::size_t count) {
  if (count > body_memory_bytes_ - held_body_bytes_) return false;
  held_body_bytes_ += count;
  return true;
}

std::string HttpServer::make_request_id() {
  std::array<char, 33> text{};
  snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(request_prefix_),
           static_cast<unsigned long long>(next_request_++));
  return text.data();
}

// The library must run when its epoll descriptor is ready, when a request was resumed, and at the time that it asked
// for; longer waits would leave data in its buffers.
std::optional<std::chrono::milliseconds> HttpServer::run_library() {
  if (run_needed_ || Clock::now() >= run_at_) {
    run_needed_ = false;
    MHD_run(daemon_);
    std::vector<std::function<void()>> calls;
    calls.swap(after_run_);
    for (const auto& call : calls) call();
  }
  run_at_ = Clock::time_point::max();
  MHD_UNSIGNED_LONG_LONG wait_ms = 0;
  if (MHD_get_timeout(daemon_, &wait_ms) != MHD_YES) return std::nullopt;
  const std::chrono::milliseconds wait(wait_ms);
  run_at_ = Clock::now() + wait;
  return wait;
}

}  // namespace audit::httpd

// What the library cannot parse (a head that is too large, for one) never reaches our code: it answers by itself, in
// HTML, through its own public function. A program's definition comes before a library's, so this one is called
// instead, and makes it JSON. Should a later version not call it, its answers are HTML again, with the same status.
extern "C" MHD_Result MHD_queue_response(MHD_Connection* connection, unsigned status, MHD_Response*) {
  using namespace audit::httpd;
  try {
    Connection& state = state_of(connection);
    state.is_answered_by_library = true;
    Request request;
    request.client_address = client_address(connection);
    RequestRecord record;
    record.status = static_cast<int>(status);
    state.server.finished(request, record);
    const char* reason = MHD_get_reason_phrase_for(status);
    return queue(connection, problem(static_cast<int>(status), reason), nullptr, true);
  } catch (const std::exception& error) {
    spdlog::error("request dropped: {}", error.what());
    return MHD_NO;
  }
}
