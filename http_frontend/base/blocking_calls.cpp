#include "base/blocking_calls.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>

namespace audit::httpd {
namespace {

std::atomic<bool> left_calls_behind = false;

}  // namespace

// Owned by both sides, because the helper may outlive the object: a call that hangs must not hold up the exit.
struct BlockingCalls::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Call> waiting;
  std::deque<Done> finished;
  bool calling = false;
  bool stopping = false;
  UniqueFd wake_up{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

BlockingCalls::BlockingCalls(EventLoop& loop) : loop_(loop), shared_(std::make_shared<Shared>()) {
  if (!shared_->wake_up) throw std::system_error(errno, std::generic_category(), "eventfd");
  loop_.watch(shared_->wake_up.get(), EPOLLIN, [this](std::uint32_t) { run_finished(); });
}

BlockingCalls::~BlockingCalls() {
  loop_.unwatch(shared_->wake_up.get());
  if (!helper_.joinable()) return;
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->waiting.clear();
  shared_->changed.notify_one();
  if (shared_->calling) {
    left_calls_behind = true;
    helper_.detach();
  } else {
    lock.unlock();
    helper_.join();
  }
}

bool BlockingCalls::has_left_calls_behind() { return left_calls_behind; }

void BlockingCalls::submit(Call call, std::shared_ptr<void> kept) {
  if (!helper_.joinable()) helper_ = std::thread(run_helper, shared_);
  kept_.push_back(std::move(kept));
  const std::lock_guard lock(shared_->mutex);
  shared_->waiting.push_back(std::move(call));
  shared_->changed.notify_one();
}

void BlockingCalls::run_helper(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock, [&] { return shared->stopping || !shared->waiting.empty(); });
    if (shared->stopping) return;
    const Call call = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    shared->calling = true;
    lock.unlock();
    Done done = call();
    lock.lock();
    shared->calling = false;
    if (shared->stopping) return;
    shared->finished.push_back(std::move(done));
    eventfd_write(shared->wake_up.get(), 1);
  }
}

void BlockingCalls::run_finished() {
  eventfd_t ignored;
  eventfd_read(shared_->wake_up.get(), &ignored);
  std::deque<Done> finished;
  {
    const std::lock_guard lock(shared_->mutex);
    finished.swap(shared_->finished);
  }
  for (Done& done : finished) {
    done();
    kept_.pop_front();
  }
}

}  // namespace audit::httpd
