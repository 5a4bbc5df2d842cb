#include "base/blocking_calls.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace audit::httpd {
namespace {

TEST(BlockingCallsTest, CallsRunOnAnotherThreadAndEndOnTheLoopsOwn) {
  EventLoop loop;
  BlockingCalls calls(loop);
  std::thread::id called;
  std::thread::id done;
  calls.submit([&] {
    called = std::this_thread::get_id();
    return [&] {
      done = std::this_thread::get_id();
      loop.stop();
    };
  });
  loop.run();
  EXPECT_NE(called, std::this_thread::get_id());
  EXPECT_EQ(done, std::this_thread::get_id());
}

TEST(BlockingCallsTest, OneThatHangsIsLeftBehindAndTheOthersAreNot) {
  EventLoop loop;
  {
    BlockingCalls idle(loop);
    idle.submit([&] { return [&] { loop.stop(); }; });
    loop.run();
  }
  EXPECT_FALSE(BlockingCalls::has_left_calls_behind());

  std::promise<void> begun;
  std::promise<void> may_end;
  std::promise<void> ended;
  {
    BlockingCalls calls(loop);
    calls.submit([&]() -> BlockingCalls::Done {
      begun.set_value();
      may_end.get_future().wait();
      ended.set_value_at_thread_exit();
      return [] { FAIL() << "nobody waits for it any more"; };
    });
    begun.get_future().wait();
  }
  EXPECT_TRUE(BlockingCalls::has_left_calls_behind());
  may_end.set_value();
  ended.get_future().wait();
}

}  // namespace
}  // namespace audit::httpd
