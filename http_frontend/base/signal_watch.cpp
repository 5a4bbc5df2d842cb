#include "base/signal_watch.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace audit::httpd {

SignalWatch::SignalWatch(EventLoop& loop) : loop_(loop) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  descriptor_ = UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor_) throw std::runtime_error("signalfd failed");
}

SignalWatch::~SignalWatch() {
  if (is_started_) loop_.unwatch(descriptor_.get());
}

void SignalWatch::start(std::function<void()> on_reload, std::function<void()> on_end) {
  is_started_ = true;
  const auto on_readable = [this, on_reload = std::move(on_reload), on_end = std::move(on_end)](std::uint32_t) {
    signalfd_siginfo signal;
    if (read(descriptor_.get(), &signal, sizeof signal) != sizeof signal) return;
    signal.ssi_signo == SIGHUP ? on_reload() : on_end();
  };
  loop_.watch(descriptor_.get(), EPOLLIN, on_readable);
}

}  // namespace audit::httpd
