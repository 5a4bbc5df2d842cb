#include "base/blocking_calls.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

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
      return [] { FAIL() << "its caller has gone"; };
    });
    begun.get_future().wait();
  }
  EXPECT_TRUE(BlockingCalls::has_left_calls_behind());
  may_end.set_value();
  ended.get_future().wait();
}

TEST(BlockingCallsTest, WhatIsKeptGoesAfterItsDoneOrWithTheObject) {
  EventLoop loop;
  std::vector<std::shared_ptr<int>> owners;
  for (int i = 0; i < 4; ++i) owners.push_back(std::make_shared<int>());
  const std::vector<std::weak_ptr<int>> kept(owners.begin(), owners.end());
  {
    BlockingCalls calls(loop);
    calls.submit([&] { return [&] { EXPECT_FALSE(kept[0].expired()); }; }, std::exchange(owners[0], nullptr));
    calls.submit(
        [&] {
          return [&] {
            EXPECT_TRUE(kept[0].expired() && !kept[1].expired());
            loop.stop();
          };
        },
        std::exchange(owners[1], nullptr));
    loop.run();
    EXPECT_TRUE(kept[1].expired());
    for (int i : {2, 3}) calls.submit([] { return [] {}; }, std::exchange(owners[i], nullptr));
    EXPECT_FALSE(kept[2].expired() || kept[3].expired());
  }
  EXPECT_TRUE(kept[2].expired() && kept[3].expired());
}

}  // namespace
}  // namespace audit::httpd
