// How failed logins are slowed down.
#include "auth/login_throttle.hpp"

#include <gtest/gtest.h>

#include <string>

namespace audit::httpd {
namespace {

using std::chrono::seconds;

class LoginThrottleTest : public testing::Test {
 protected:
  bool may(const std::string& name, const std::string& address) { return !throttle.begin(name, address, now); }

  LoginThrottle throttle{3, seconds(60), 4};
  LoginThrottle::Time now{seconds(1000)};
};

TEST_F(LoginThrottleTest, NameIsRefusedFromEveryAddress) {
  for (const char* address : {"1", "2", "3"}) EXPECT_TRUE(may("ann", address));
  now += seconds(10);
  EXPECT_EQ(throttle.begin("ann", "4", now), seconds(50));
  EXPECT_TRUE(may("bob", "4"));
  now += seconds(50);
  EXPECT_TRUE(may("ann", "4"));
}

TEST_F(LoginThrottleTest, AddressIsRefusedForEveryName) {
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(may(name, "1"));
  EXPECT_FALSE(may("d", "1"));
}

TEST_F(LoginThrottleTest, SuccessClearsTheNameButNotTheAddress) {
  EXPECT_TRUE(may("a", "1"));
  EXPECT_TRUE(may("b", "1"));
  EXPECT_TRUE(may("own", "1"));
  throttle.succeeded("own", "1");
  EXPECT_TRUE(may("c", "1"));
  EXPECT_FALSE(may("own", "1"));
  EXPECT_TRUE(may("own", "2"));
}

TEST_F(LoginThrottleTest, UndecidedAttemptsDoNotCount) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(may("ann", "1"));
    throttle.undecided("ann", "1");
  }
}

TEST_F(LoginThrottleTest, FloodOfNamesDoesNotFreeTheGuessedOne) {
  for (const char* address : {"1", "2", "3"}) EXPECT_TRUE(may("ann", address));
  for (int i = 0; i < 100; ++i) may("name" + std::to_string(i), "address" + std::to_string(i));
  EXPECT_FALSE(may("ann", "9"));
}

}  // namespace
}  // namespace audit::httpd
