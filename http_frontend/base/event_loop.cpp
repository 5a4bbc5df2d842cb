#include "base/event_loop.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace audit::httpd {
namespace {

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw_errno("epoll_create1");
}

// The generation travels with each event. So an event for a descriptor that was closed meanwhile does not reach the
// next owner of the same number.
void EventLoop::control(int operation, int descriptor, std::uint32_t epoll_events, std::uint32_t generation) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.u64 = (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(descriptor);
  if (epoll_ctl(epoll_.get(), operation, descriptor, &event) != 0) throw_errno("epoll_ctl");
}

void EventLoop::watch(int descriptor, std::uint32_t epoll_events, DescriptorCallback callback) {
  const std::uint32_t generation = next_generation_++;
  const bool known = watched_.count(descriptor) != 0;
  control(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, epoll_events, generation);
  watched_[descriptor] = {generation, std::move(callback)};
}

void EventLoop::change_events(int descriptor, std::uint32_t epoll_events) {
  control(EPOLL_CTL_MOD, descriptor, epoll_events, watched_.at(descriptor).generation);
}

void EventLoop::unwatch(int descriptor) {
  if (watched_.erase(descriptor) != 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

EventLoop::TimerId EventLoop::call_at(Clock::time_point when, Callback callback) {
  const TimerId timer{when, next_timer_++};
  timers_.emplace(timer, std::move(callback));
  return timer;
}

void EventLoop::run() {
  stopped_ = false;
  while (!stopped_) {
    run_soon();
    if (stopped_) return;
    wait_and_dispatch();
    run_due_timers();
  }
}

void EventLoop::run_soon() {
  std::vector<Callback> tasks;
  tasks.swap(soon_);
  for (Callback& task : tasks) task();
}

void EventLoop::run_due_timers() {
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto timer = timers_.extract(timers_.begin());
    timer.mapped()();
  }
}

int EventLoop::wait_ms() {
  using std::chrono::milliseconds;
  milliseconds wait = milliseconds::max();
  for (const Prepare& prepare : prepares_) wait = std::min(wait, prepare().value_or(wait));
  if (!timers_.empty()) {
    wait = std::min(wait, std::chrono::ceil<milliseconds>(timers_.begin()->first.first - Clock::now()));
  }
  if (!soon_.empty() || stopped_ || wait.count() < 0) return 0;
  return wait == milliseconds::max() ? -1 : static_cast<int>(std::min<std::int64_t>(wait.count(), 1'000'000));
}

void EventLoop::wait_and_dispatch() {
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
  if (count < 0 && errno != EINTR) throw_errno("epoll_wait");
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const auto found = watched_.find(static_cast<int>(event.data.u64 & 0xffffffffU));
    if (found == watched_.end() || found->second.generation != event.data.u64 >> 32) continue;
    const DescriptorCallback callback = found->second.callback;  // a copy: it may unwatch itself
    callback(event.events);
  }
}

}  // namespace audit::httpd
