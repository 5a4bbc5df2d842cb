// The one loop that everything in the daemon runs on: descriptors, timers, and tasks for later.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"

namespace audit::httpd {

using Clock = std::chrono::steady_clock;

// All members must be called on the thread that calls run(). Callbacks may call any of them.
class EventLoop {
 public:
  using DescriptorCallback = std::function<void(std::uint32_t epoll_events)>;
  using Callback = std::function<void()>;
  using TimerId = std::pair<Clock::time_point, std::uint64_t>;
  // Called before each wait; returns how long the wait may last (nothing: as long as it likes).
  using Prepare = std::function<std::optional<std::chrono::milliseconds>()>;

  EventLoop();

  // Calls back while `epoll_events` are there (level-triggered). Watching a watched descriptor replaces both.
  void watch(int descriptor, std::uint32_t epoll_events, DescriptorCallback callback);
  void change_events(int descriptor, std::uint32_t epoll_events);
  // REQUIRES: before the descriptor's number is used again. No callback comes after it, not even for events already
  // collected.
  void unwatch(int descriptor);
  // The same for one that its owner has closed already: its number may be another's by now.
  void forget(int descriptor) { watched_.erase(descriptor); }

  TimerId call_at(Clock::time_point when, Callback callback);
  TimerId call_after(Clock::duration delay, Callback callback) {
    return call_at(Clock::now() + delay, std::move(callback));
  }
  void cancel(const TimerId& timer) { timers_.erase(timer); }

  // Calls back in this or the next turn, after the caller has returned: for what must not run inside its caller.
  void call_soon(Callback callback) { soon_.push_back(std::move(callback)); }

  using PrepareId = std::list<Prepare>::iterator;
  PrepareId add_prepare(Prepare prepare) { return prepares_.insert(prepares_.end(), std::move(prepare)); }
  void remove_prepare(PrepareId prepare) { prepares_.erase(prepare); }

  // Runs until stop(); can be run again afterwards.
  void run();
  void stop() { stopped_ = true; }

 private:
  struct Watched {
    std::uint32_t generation;
    DescriptorCallback callback;
  };

  void control(int operation, int descriptor, std::uint32_t epoll_events, std::uint32_t generation);
  void run_soon();
  void run_due_timers();
  int wait_ms();
  void wait_and_dispatch();

  UniqueFd epoll_;
  std::unordered_map<int, Watched> watched_;
  std::uint32_t next_generation_ = 0;
  std::map<TimerId, Callback> timers_;
  std::uint64_t next_timer_ = 0;
  std::vector<Callback> soon_;
  std::list<Prepare> prepares_;
  bool stopped_ = false;
};

}  // namespace audit::httpd
