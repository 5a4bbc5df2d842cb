// The HTTP side: libmicrohttpd inside the event loop, and the limits on connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/event_loop.hpp"
#include "base/ip_address.hpp"
#include "base/unique_fd.hpp"
#include "http/exchange_context.hpp"
#include "http/http_connection.hpp"
#include "http/http_limits.hpp"
#include "http/received_bytes.hpp"
#include "http/request_handler.hpp"
#include "http/tls_credentials.hpp"

struct MHD_Daemon;
struct sockaddr;

namespace audit::httpd {

class HttpServer {
 public:
  // `tls`: null for plain HTTP.
  // REQUIRES: `listening` is a listening, non-blocking socket; `handler` outlives this.
  HttpServer(EventLoop& loop, UniqueFd listening, HttpLimits limits, TlsCredentialsPtr tls, RequestHandler& handler);
  // REQUIRES: is_quiet(), or that nothing responds to an exchange any more.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Refuses new connections, and closes the others as their requests are answered.
  void stop_accepting();
  // No request that has arrived whole is unanswered.
  bool is_quiet() const { return context_.open_requests == 0; }
  std::size_t connection_count() const { return connections_.size(); }
  // Whether responses to authenticated callers show how long each stage took.
  void set_server_timing(bool is_on) { context_.has_server_timing = is_on; }

  // All but `connections`, `head_bytes` and `idle_timeout`, which the library keeps to as it started with them.
  void set_limits(HttpLimits limits) {
    limits.idle_timeout = context_.limits.idle_timeout;
    context_.limits = std::move(limits);
  }

  // New connections use these, old ones keep theirs. REQUIRES: it was made with TLS; not null.
  void set_tls_credentials(TlsCredentialsPtr tls) { tls_ = std::move(tls); }
  bool has_tls() const { return tls_ != nullptr; }

  bool is_stopping() const { return context_.is_stopping; }

  // For the library's callbacks.
  bool may_connect(const sockaddr* address) const;
  HttpConnection* connection_opened(int socket, const sockaddr* address);
  void connection_closed(HttpConnection& connection);

 private:
  std::optional<std::chrono::milliseconds> run_library();
  std::optional<std::chrono::milliseconds> library_wait() const;
  void suspend_and_shut_down();
  void received(int socket, bool is_encrypted, std::string_view bytes);
  void client_closed(HttpConnection& connection, std::uint32_t epoll_events);
  void sweep_later();
  void sweep();

  EventLoop& loop_;
  const Receiver receiver_ = [this](int socket, bool is_encrypted, std::string_view bytes) {
    received(socket, is_encrypted, bytes);
  };
  MHD_Daemon* daemon_ = nullptr;
  UniqueFd listening_;
  TlsCredentialsPtr tls_;
  int library_epoll_ = -1;
  EventLoop::PrepareId prepare_;
  std::vector<int> to_shut_down_;
  std::unordered_map<int, HttpConnection> connections_;  // by socket
  std::unordered_map<IpAddress, unsigned, IpAddressHash> per_address_;
  EventLoop::TimerId sweep_timer_;
  Clock::time_point run_at_ = Clock::time_point::max();
  ExchangeContext context_;  // the last, so that it ends first
};

}  // namespace audit::httpd
