// The signals that end the daemon or have it read its settings again, as events of the loop.
#pragma once

#include <functional>

#include "base/event_loop.hpp"
#include "base/unique_fd.hpp"

namespace audit::httpd {

// REQUIRES: SIGTERM, SIGINT and SIGHUP are blocked in all threads.
class SignalWatch {
 public:
  // From here on they wait, and nothing is lost. Throws std::runtime_error.
  explicit SignalWatch(EventLoop& loop);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Calls `on_reload` at SIGHUP, and `on_end` at the others.
  void start(std::function<void()> on_reload, std::function<void()> on_end);

 private:
  EventLoop& loop_;
  UniqueFd descriptor_;
  bool is_started_ = false;
};

}  // namespace audit::httpd
