// The HTTP side: libmicrohttpd inside the event loop, and the limits on connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/blocking_calls.hpp"
#include "base/event_loop.hpp"
#include "base/ip_address.hpp"
#include "base/unique_fd.hpp"
#include "http/http_types.hpp"
#include "http/request_id.hpp"
#include "http/tls_credentials.hpp"
#include "http/trusted_proxies.hpp"

struct MHD_Connection;
struct MHD_Daemon;
struct sockaddr;

namespace audit::httpd {

class HttpServer;
class MhdExchange;

struct HttpLimits {
  unsigned connections = 4096;
  unsigned connections_per_address = 1024;
  std::size_t head_bytes = 10 * 1024;
  std::size_t target_bytes = 8 * 1024;
  std::size_t body_bytes = 10 * 1024 * 1024;  // whatever the route allows
  std::chrono::seconds receive_timeout{30};
  unsigned answer_bytes_per_s = 32 * 1024;  // that a client takes at least, after receive_timeout
  std::chrono::seconds idle_timeout{60};
  std::size_t body_memory_bytes = 64 * 1024 * 1024;     // of all requests together
  std::size_t answer_memory_bytes = 256 * 1024 * 1024;  // of all large answers that are being sent
  std::size_t gzip_min_bytes = 0;                       // of a body that may be compressed; 0: none is
  TrustedProxies trusted_proxies;
};

struct HttpConnection {
  HttpServer& server;
  int socket;
  IpAddress address;
  std::string address_text;
  TlsCredentialsPtr tls;                                   // null: plain HTTP
  Clock::time_point deadline;                              // of what the client has to do next
  Clock::time_point closed_at = Clock::time_point::max();  // by the client
  MhdExchange* exchange = nullptr;                         // the request under way
  std::optional<ClientCertificate> client_certificate = std::nullopt;
  bool had_request = false;
  bool is_answered_by_library = false;  // the request under way
};

class HttpServer {
 public:
  using Dispatch = std::function<void(const ExchangePtr&)>;
  // Only the head is there. Calls the function when more of the body may be read, or responds; then or later.
  using AdmitBody = std::function<void(const ExchangePtr&, std::function<void()>)>;
  // How large the body of a request may be, of which only the head is there.
  using MaxBodyBytes = std::function<std::size_t(const Request&)>;
  // A request is over: its response was sent, or nobody is there any more to send it to (status 499).
  using Finished = std::function<void(const Request&, const RequestRecord&)>;

  // `tls`: null for plain HTTP.
  // REQUIRES: `listening` is a listening, non-blocking socket; `dispatch` does not throw, and responds to every
  // exchange it is given, then or later.
  HttpServer(EventLoop& loop, UniqueFd listening, HttpLimits limits, TlsCredentialsPtr tls, MaxBodyBytes max_body_bytes,
             AdmitBody admit_body, Dispatch dispatch, Finished finished);
  // REQUIRES: is_quiet(), or that nothing responds to an exchange any more.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Refuses new connections, and closes the others as their requests are answered.
  void stop_accepting();
  // No request that has arrived whole is unanswered.
  bool is_quiet() const { return open_requests_ == 0; }
  std::size_t connection_count() const { return connections_.size(); }
  // Whether responses to those who are known tell how long each stage took.
  void set_server_timing(bool is_on) { has_server_timing_ = is_on; }

  // All but `connections`, `head_bytes` and `idle_timeout`, which the library keeps to as it started with them.
  void set_limits(HttpLimits limits) {
    limits.idle_timeout = limits_.idle_timeout;
    limits_ = std::move(limits);
  }

  // New connections use these, old ones keep theirs. REQUIRES: it was made with TLS; not null.
  void set_tls_credentials(TlsCredentialsPtr tls) { tls_ = std::move(tls); }
  bool has_tls() const { return tls_ != nullptr; }

  // For the library's callbacks in http_server.cpp and for exchanges.
  static HttpConnection* connection_of(MHD_Connection* connection);
  bool may_connect(const sockaddr* address) const;
  HttpConnection* connection_opened(int socket, const sockaddr* address);
  void connection_closed(HttpConnection& connection);
  void request_begins(HttpConnection& connection, MhdExchange* exchange);
  void request_opened(HttpConnection& connection);
  void finished(const Request& request, const RequestRecord& record) { finished_(request, record); }
  void request_closed() { --open_requests_; }
  void answer_begins(HttpConnection& connection, std::size_t count);
  void request_ends(HttpConnection& connection);
  std::size_t max_body_bytes(const Request& request) const { return max_body_bytes_(request); }
  // False: too much is held already.
  bool hold_body_bytes(std::size_t count);
  void release_body_bytes(std::size_t count) { held_body_bytes_ -= count; }
  // For an answer to a client of that group, until it is sent. False: too many large ones are under way, or one address
  // has more than its half; but who has none gets one.
  bool hold_answer_bytes(const IpAddress& group, std::size_t count);
  void release_answer_bytes(const IpAddress& group, std::size_t count);
  void run_soon() { run_needed_ = true; }
  void suspend_after_run(std::shared_ptr<MhdExchange> exchange) { to_suspend_.push_back(std::move(exchange)); }
  bool is_stopping() const { return stopping_; }
  bool has_server_timing() const { return has_server_timing_; }
  const HttpLimits& limits() const { return limits_; }
  BlockingCalls& compressions() { return compressions_; }
  void dispatch(const ExchangePtr& exchange) { dispatch_(exchange); }
  void admit_body(const ExchangePtr& exchange, std::function<void()> admitted) {
    admit_body_(exchange, std::move(admitted));
  }
  std::string make_request_id() { return request_ids_.make(); }

 private:
  std::optional<std::chrono::milliseconds> run_library();
  std::optional<std::chrono::milliseconds> library_wait() const;
  void suspend_and_shut_down();
  void client_closed(HttpConnection& connection, std::uint32_t epoll_events);
  void sweep_later();
  void sweep();

  EventLoop& loop_;
  HttpLimits limits_;
  MaxBodyBytes max_body_bytes_;
  AdmitBody admit_body_;
  Dispatch dispatch_;
  Finished finished_;
  MHD_Daemon* daemon_ = nullptr;
  UniqueFd listening_;
  TlsCredentialsPtr tls_;
  int library_epoll_ = -1;
  EventLoop::PrepareId prepare_;
  bool run_needed_ = true;
  std::vector<std::shared_ptr<MhdExchange>> to_suspend_;
  std::vector<int> to_shut_down_;
  std::unordered_map<int, HttpConnection> connections_;  // by socket
  std::unordered_map<IpAddress, unsigned, IpAddressHash> per_address_;
  EventLoop::TimerId sweep_timer_;
  bool stopping_ = false;
  bool has_server_timing_ = false;
  Clock::time_point run_at_ = Clock::time_point::max();
  std::size_t open_requests_ = 0;
  std::size_t held_body_bytes_ = 0;
  std::size_t held_answer_bytes_ = 0;
  std::unordered_map<IpAddress, std::size_t, IpAddressHash> answer_bytes_of_;  // by group; none is zero
  RequestIds request_ids_;
  BlockingCalls compressions_;  // the last: what it keeps uses the others
};

}  // namespace audit::httpd
