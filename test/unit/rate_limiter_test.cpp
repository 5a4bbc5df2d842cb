// How many requests a caller may send.
#include "endpoints/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

using std::chrono::milliseconds;

constexpr RateLimiter::Caller ann{1};
constexpr RateLimiter::Caller bob{2};

class RateLimiterTest : public testing::Test {
 protected:
  int allowed_of(int requests, const RateLimiter::Caller& caller) {
    int allowed = 0;
    for (int i = 0; i < requests; ++i) allowed += limiter.take(caller, now).is_allowed ? 1 : 0;
    return allowed;
  }

  RateLimiter limiter{10, 4};
  RateLimiter::Time now{std::chrono::hours(1)};
};

TEST_F(RateLimiterTest, CallersAreCountedApart) {
  EXPECT_EQ(allowed_of(25, ann), 10);
  EXPECT_EQ(allowed_of(25, bob), 10);
}

TEST_F(RateLimiterTest, TellsWhatRemains) {
  EXPECT_EQ(limiter.take(ann, now).remaining, 9U);
  EXPECT_EQ(limiter.take(ann, now).remaining, 8U);
  EXPECT_EQ(allowed_of(8, ann), 8);
  const RateLimiter::Verdict refused = limiter.take(ann, now);
  EXPECT_FALSE(refused.is_allowed);
  EXPECT_EQ(refused.remaining, 0U);
  EXPECT_EQ(refused.wait, std::chrono::seconds(1));
}

TEST_F(RateLimiterTest, RefillsEvenly) {
  allowed_of(25, ann);
  now += milliseconds(99);
  EXPECT_EQ(allowed_of(5, ann), 0);
  now += milliseconds(1);
  EXPECT_EQ(allowed_of(5, ann), 1);
  now += milliseconds(500);
  EXPECT_EQ(allowed_of(25, ann), 5);
  now += std::chrono::hours(10);
  EXPECT_EQ(allowed_of(25, ann), 10);
}

TEST_F(RateLimiterTest, RefusedRequestsCostNothing) {
  allowed_of(10, ann);
  for (int i = 0; i < 100; ++i) {
    now += milliseconds(10);
    limiter.take(ann, now);
  }
  now += milliseconds(1000);
  EXPECT_EQ(allowed_of(25, ann), 10);
}

TEST_F(RateLimiterTest, AClockThatStandsStillGivesNothing) {
  allowed_of(10, ann);
  now -= milliseconds(5000);
  EXPECT_EQ(allowed_of(1, ann), 0);
}

TEST_F(RateLimiterTest, FloodOfCallersMakesRoomByTheLongestSilent) {
  allowed_of(10, ann);
  for (std::uint8_t other = 10; other < 100; ++other) {
    limiter.take({other}, now);
    EXPECT_EQ(allowed_of(1, ann), 0) << static_cast<int>(other);  // still known
  }
}

}  // namespace
}  // namespace audit::httpd
