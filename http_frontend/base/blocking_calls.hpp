// A helper thread for the few calls that may block: opening a database session, cancelling a query, fetching keys.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "base/event_loop.hpp"

namespace audit::httpd {

// Calls run one after the other on a thread of their own, which starts with the first of them.
class BlockingCalls {
 public:
  using Done = std::function<void()>;  // runs on the loop's thread
  using Call = std::function<Done()>;  // runs on the helper thread; must not throw

  explicit BlockingCalls(EventLoop& loop);
  // Does not wait for a call under way: it is left behind, and its Done is dropped.
  ~BlockingCalls();
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;

  // Lets go of `kept` on the loop's thread: after the call's Done, or with this object.
  void submit(Call call, std::shared_ptr<void> kept = nullptr);

  // Whether any object has left a call behind. exit() would then destroy what that call uses: end with _Exit().
  static bool has_left_calls_behind();

 private:
  struct Shared;
  static void run_helper(const std::shared_ptr<Shared>& shared);
  void run_finished();

  EventLoop& loop_;
  std::shared_ptr<Shared> shared_;
  std::deque<std::shared_ptr<void>> kept_;  // one for each call that is not done
  std::thread helper_;
};

}  // namespace audit::httpd
