// The HTTP side: libmicrohttpd inside the event loop. http_server.cpp is the only file that includes microhttpd.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event_loop.hpp"
#include "http_types.hpp"
#include "tls_credentials.hpp"
#include "unique_fd.hpp"

struct MHD_Daemon;

namespace audit::httpd {

struct HttpLimits {
  unsigned connections = 4096;
  unsigned connections_per_address = 1024;
  std::chrono::seconds idle_timeout{60};
  std::size_t body_memory_bytes = 64 * 1024 * 1024;  // of all requests together
};

class HttpServer {
 public:
  using Dispatch = std::function<void(const ExchangePtr&)>;
  // How large the body of a request may be, of which only the head is there.
  using MaxBodyBytes = std::function<std::size_t(const Request&)>;
  // A request is over: its response was sent, or nobody is there any more to send it to (status 499).
  using Finished = std::function<void(const Request&, const RequestRecord&)>;

  // `tls`: null for plain HTTP.
  // REQUIRES: `listening` is a listening, non-blocking socket; `dispatch` does not throw, and responds to every
  // exchange it is given, then or later.
  HttpServer(EventLoop& loop, UniqueFd listening, const HttpLimits& limits, TlsCredentialsPtr tls,
             MaxBodyBytes max_body_bytes, Dispatch dispatch, Finished finished);
  // REQUIRES: is_quiet(), or that nothing responds to an exchange any more.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Refuses new connections, and closes the others as their requests are answered.
  void stop_accepting();
  // No request that has arrived whole is unanswered.
  bool is_quiet() const { return open_requests_ == 0; }
  std::size_t connection_count() const { return connections_; }
  // Whether responses to those who are known tell how long each stage took.
  void set_server_timing(bool is_on) { has_server_timing_ = is_on; }

  // New connections use these, old ones keep theirs. REQUIRES: it was made with TLS; not null.
  void set_tls_credentials(TlsCredentialsPtr tls) { tls_ = std::move(tls); }
  bool has_tls() const { return tls_ != nullptr; }

  // For the library's callbacks in http_server.cpp.
  void connection_opened(int socket);
  void connection_closed(int socket);
  void finished(const Request& request, const RequestRecord& record) { finished_(request, record); }
  void request_opened() { ++open_requests_; }
  void request_closed() { --open_requests_; }
  const TlsCredentialsPtr& tls() const { return tls_; }
  std::size_t max_body_bytes(const Request& request) const { return max_body_bytes_(request); }
  // False: too much is held already.
  bool hold_body_bytes(std::size_t count);
  void release_body_bytes(std::size_t count) { held_body_bytes_ -= count; }
  void run_soon() { run_needed_ = true; }
  void call_after_run(std::function<void()> call) { after_run_.push_back(std::move(call)); }
  bool is_stopping() const { return stopping_; }
  bool has_server_timing() const { return has_server_timing_; }
  void dispatch(const ExchangePtr& exchange) { dispatch_(exchange); }
  std::string make_request_id();

 private:
  std::optional<std::chrono::milliseconds> run_library();

  EventLoop& loop_;
  MaxBodyBytes max_body_bytes_;
  Dispatch dispatch_;
  Finished finished_;
  MHD_Daemon* daemon_ = nullptr;
  UniqueFd listening_;
  TlsCredentialsPtr tls_;
  int library_epoll_ = -1;
  EventLoop::PrepareId prepare_;
  bool run_needed_ = true;
  std::vector<std::function<void()>> after_run_;
  bool stopping_ = false;
  bool has_server_timing_ = false;
  Clock::time_point run_at_ = Clock::time_point::max();
  std::size_t open_requests_ = 0;
  std::size_t connections_ = 0;
  std::size_t body_memory_bytes_;
  std::size_t held_body_bytes_ = 0;
  std::uint64_t request_prefix_;
  std::uint64_t next_request_ = 0;
};

}  // namespace audit::httpd
