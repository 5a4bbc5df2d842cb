// What is remembered of credentials, and when it is forgotten.
#include "auth/principal_cache.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

using std::chrono::seconds;

class PrincipalCacheTest : public testing::Test {
 protected:
  void remember(const char* credential, PrincipalCache::Time expires_at = PrincipalCache::Time::max()) {
    cache.remember(sha256(credential), std::make_shared<Principal>(), cache.generation(), now, expires_at);
  }
  bool knows(const char* credential) { return cache.find(sha256(credential), now) != nullptr; }

  PrincipalCache cache{2, seconds(30)};
  PrincipalCache::Time now{seconds(1000)};
};

TEST_F(PrincipalCacheTest, ForgetsAfterItsTime) {
  remember("a");
  now += seconds(29);
  EXPECT_TRUE(knows("a"));
  now += seconds(1);
  EXPECT_FALSE(knows("a"));
}

TEST_F(PrincipalCacheTest, NeverOutlivesTheCredential) {
  remember("a", now + seconds(5));
  now += seconds(5);
  EXPECT_FALSE(knows("a"));
}

TEST_F(PrincipalCacheTest, LeastRecentlyUsedMakesRoom) {
  remember("a");
  remember("b");
  EXPECT_TRUE(knows("a"));
  remember("c");
  EXPECT_TRUE(knows("a") && knows("c"));
  EXPECT_FALSE(knows("b"));
}

TEST_F(PrincipalCacheTest, AnswerThatWasOnItsWayDuringAChangeIsNotRemembered) {
  const std::uint64_t before = cache.generation();
  cache.forget_all();
  cache.remember(sha256("a"), std::make_shared<Principal>(), before, now, PrincipalCache::Time::max());
  EXPECT_FALSE(knows("a"));
}

TEST_F(PrincipalCacheTest, LifetimeZeroRemembersNothing) {
  remember("a");
  cache.set_lifetime(seconds(0));
  EXPECT_FALSE(knows("a"));
  remember("a");
  EXPECT_FALSE(knows("a"));
}

}  // namespace
}  // namespace audit::httpd
