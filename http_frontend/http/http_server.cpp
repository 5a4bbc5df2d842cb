#include "http/http_server.hpp"

#include <microhttpd.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

#include "http/mhd_exchange.hpp"
#include "http/mhd_response.hpp"

namespace audit::httpd {
namespace {

constexpr std::chrono::seconds sweep_interval{1};
// A client that closes its side may still wait for the answer, or be gone; the two look alike until something is sent.
constexpr std::chrono::seconds half_closed_patience{1};

// The callbacks of the library. No exception may leave them; running out of memory costs the one connection.

void* on_target(void* context, const char* target, MHD_Connection* connection) noexcept {
  try {
    return MhdExchange::begin(*static_cast<ExchangeContext*>(context), connection, target);
  } catch (const std::exception& error) {
    spdlog::error("request dropped: {}", error.what());
    return nullptr;
  }
}

// The daemon reads the target itself, as it was sent. The library's answers to odd escapes differ from version to
// version.
std::size_t on_unescape(void*, MHD_Connection*, char* text) noexcept { return std::strlen(text); }

MHD_Result on_access(void*, MHD_Connection*, const char*, const char* method, const char* version, const char* body,
                     std::size_t* body_size, void** context) noexcept {
  try {
    return *context == nullptr ? MHD_NO : static_cast<MhdExchange*>(*context)->accept(method, version, body, body_size);
  } catch (const std::exception& error) {
    spdlog::error("request dropped: {}", error.what());
    return MHD_NO;
  }
}

void on_completed(void*, MHD_Connection*, void** context, MHD_RequestTerminationCode code) noexcept {
  auto* exchange = static_cast<MhdExchange*>(std::exchange(*context, nullptr));
  try {
    if (exchange != nullptr) exchange->end(code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  } catch (const std::exception& error) {
    spdlog::error("request not recorded: {}", error.what());
  }
}

MHD_Result on_accept(void* server, const sockaddr* address, socklen_t) noexcept {
  return static_cast<HttpServer*>(server)->may_connect(address) ? MHD_YES : MHD_NO;
}

void on_connection(void* server, MHD_Connection* connection, void** context,
                   MHD_ConnectionNotificationCode code) noexcept {
  try {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      auto* made = static_cast<HttpServer*>(server)->connection_opened(
          MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
          MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
      *context = made;
      if (made->tls) made->tls->apply_to(tls_session(connection));
    } else if (*context != nullptr) {
      static_cast<HttpServer*>(server)->connection_closed(*static_cast<HttpConnection*>(*context));
      *context = nullptr;
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

HttpServer::HttpServer(EventLoop& loop, UniqueFd listening, HttpLimits limits, TlsCredentialsPtr tls,
                       RequestHandler& handler)
    : loop_(loop), listening_(std::move(listening)), tls_(std::move(tls)), context_(loop, handler, std::move(limits)) {
  // on_connection() gives each session our credentials before its handshake, so that they can be changed. The library,
  // which keeps to those that it starts with, is content with a callback for them that it then never calls.
  std::array<MHD_OptionItem, 3> tls_options{{{MHD_OPTION_HTTPS_PRIORITIES, 0, const_cast<char*>(tls_priority)},
                                             {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, no_certificate_callback()},
                                             {MHD_OPTION_END, 0, nullptr}}};
  // The memory of one connection holds the head of the request, the library's parse of it and the head of the response.
  // The library clears all of it after each request, so a larger one costs time and memory even where it is not used.
  daemon_ = MHD_start_daemon(
      (has_tls() ? MHD_USE_TLS : MHD_NO_FLAG) | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
      on_accept, this, on_access, this, MHD_OPTION_EXTERNAL_LOGGER, on_library_message, nullptr,
      MHD_OPTION_LISTEN_SOCKET, listening_.get(), MHD_OPTION_URI_LOG_CALLBACK, on_target, &context_,
      MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, nullptr, MHD_OPTION_NOTIFY_COMPLETED, on_completed, nullptr,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, this, MHD_OPTION_CONNECTION_MEMORY_LIMIT, context_.limits.head_bytes,
      MHD_OPTION_CONNECTION_LIMIT, context_.limits.connections, MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(context_.limits.idle_timeout.count()), MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, has_tls() ? tls_options.data() : &tls_options.back(),
      MHD_OPTION_END);
  if (daemon_ == nullptr) throw std::runtime_error("libmicrohttpd does not start");
  library_epoll_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  loop_.watch(library_epoll_, EPOLLIN, [this](std::uint32_t) { context_.run_needed = true; });
  prepare_ = loop_.add_prepare([this] { return run_library(); });
  sweep_later();
}

HttpServer::~HttpServer() {
  loop_.cancel(sweep_timer_);
  loop_.remove_prepare(prepare_);
  loop_.unwatch(library_epoll_);
  static_cast<void>(listening_.release());  // closed by the library, or by stop_accepting()
  // The library ends the process over a request that is suspended.
  for (const auto& [socket, connection] : connections_) {
    if (connection.exchange != nullptr) connection.exchange->give_up();
  }
  MHD_stop_daemon(daemon_);
}

void HttpServer::stop_accepting() {
  context_.is_stopping = true;
  const int socket = MHD_quiesce_daemon(daemon_);
  if (socket >= 0) close(socket);
}

// Not by the library's own limit, which knows neither our proxies nor that a host has a whole network of IPv6.
bool HttpServer::may_connect(const sockaddr* address) const {
  const IpAddress peer = IpAddress::from(address).value_or(IpAddress());
  const auto found = per_address_.find(peer.limit_group());
  return found == per_address_.end() || found->second < context_.limits.connections_per_address ||
         context_.limits.trusted_proxies.contains(peer);
}

// The library waits for edges of readiness. It takes an edge that comes with the client's last bytes for those bytes
// alone, and misses that the client has closed. So the daemon watches for that too.
HttpConnection* HttpServer::connection_opened(int socket, const sockaddr* address) {
  const IpAddress peer = IpAddress::from(address).value_or(IpAddress());
  const auto made = connections_.try_emplace(socket, HttpConnection{context_, socket, peer, peer.text(), tls_,
                                                                    Clock::now() + context_.limits.receive_timeout});
  HttpConnection* connection = &made.first->second;
  ++per_address_[peer.limit_group()];
  loop_.watch(socket, EPOLLRDHUP | EPOLLONESHOT,
              [this, connection](std::uint32_t epoll_events) { client_closed(*connection, epoll_events); });
  return connection;
}

void HttpServer::connection_closed(HttpConnection& connection) {
  loop_.unwatch(connection.socket);
  const auto counted = per_address_.find(connection.address.limit_group());
  if (--counted->second == 0) per_address_.erase(counted);
  connections_.erase(connection.socket);
  context_.run_needed = true;  // at the limit of connections the library does not listen until it runs once more
}

// Shutting down what is closed already makes another edge for the library; what has arrived can still be read, and an
// answer still be sent.
void HttpServer::client_closed(HttpConnection& connection, std::uint32_t epoll_events) {
  context_.run_needed = true;
  to_shut_down_.push_back(connection.socket);
  const bool is_reset = (epoll_events & (EPOLLHUP | EPOLLERR)) != 0;
  connection.closed_at = is_reset ? Clock::time_point::min() : Clock::now();
  if (is_reset && connection.exchange != nullptr) connection.exchange->client_has_gone();
}

void HttpServer::sweep_later() {
  sweep_timer_ = loop_.call_after(sweep_interval, [this] { sweep(); });
}

// The library's own timeout begins again with each byte. So a slow sender could hold a connection for ever, and a slow
// reader the memory of its answer.
void HttpServer::sweep() {
  const Clock::time_point now = Clock::now();
  for (const auto& [socket, connection] : connections_) {
    if (connection.deadline <= now) shutdown(socket, SHUT_RDWR);
    if (connection.exchange == nullptr || connection.closed_at == Clock::time_point::max()) continue;
    const auto since = connection.exchange->waiting_since();
    if (since && std::max(*since, connection.closed_at) + half_closed_patience <= now) {
      connection.exchange->client_has_gone();
    }
  }
  sweep_later();
}

// The library must run when its epoll descriptor is ready, when a request was resumed, and at the time that it asked
// for. Longer waits would leave data in its buffers. It often asks to run again at once, which is cheaper than a turn
// of the loop. Other descriptors still get their turn.
std::optional<std::chrono::milliseconds> HttpServer::run_library() {
  constexpr int most_runs = 4;
  constexpr std::chrono::milliseconds at_once(0);
  const bool is_due = context_.run_needed || Clock::now() >= run_at_;
  std::optional<std::chrono::milliseconds> wait = is_due ? at_once : library_wait();
  for (int runs = 0; wait == at_once && runs < most_runs; ++runs) {
    context_.run_needed = false;
    set_receiver(&receiver_);
    MHD_run(daemon_);
    set_receiver(nullptr);
    suspend_and_shut_down();
    wait = context_.run_needed ? at_once : library_wait();
  }
  run_at_ = wait ? Clock::now() + *wait : Clock::time_point::max();
  return wait;
}

void HttpServer::received(int socket, bool is_encrypted, std::string_view bytes) {
  const auto found = connections_.find(socket);
  if (found != connections_.end() && bool(found->second.tls) == is_encrypted) found->second.head_watch.feed(bytes);
}

std::optional<std::chrono::milliseconds> HttpServer::library_wait() const {
  MHD_UNSIGNED_LONG_LONG wait_ms = 0;
  if (MHD_get_timeout(daemon_, &wait_ms) != MHD_YES) return std::nullopt;
  return std::chrono::milliseconds(wait_ms);
}

void HttpServer::suspend_and_shut_down() {
  for (const auto& exchange : context_.to_suspend) exchange->suspend();
  context_.to_suspend.clear();
  for (const int socket : to_shut_down_) {
    const auto found = connections_.find(socket);
    const bool is_same = found != connections_.end() && found->second.closed_at != Clock::time_point::max();
    if (is_same) shutdown(socket, SHUT_RD);
  }
  to_shut_down_.clear();
}

}  // namespace audit::httpd
