// How much memory bodies and answers may take, together and for one group of clients.
#include "http/memory_budget.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

constexpr std::size_t large = 100'000;

HttpLimits limits_of(std::size_t bytes) {
  HttpLimits limits;
  limits.body_memory.bytes = limits.answer_memory.bytes = bytes;
  return limits;
}

IpAddress group(const char* text) { return IpAddress::parse(text).value().limit_group(); }

TEST(MemoryBudget, BodiesAreBoundedTogether) {
  const HttpLimits limits = limits_of(10);
  MemoryBudget budget(limits);
  HeldMemory one(budget);
  EXPECT_TRUE(one.hold_body(6));
  {
    HeldMemory other(budget);
    EXPECT_FALSE(other.hold_body(5));
    EXPECT_TRUE(other.hold_body(4));
    EXPECT_FALSE(one.hold_body(1));
  }
  EXPECT_TRUE(one.hold_body(4));
  one.release_body();
  EXPECT_TRUE(one.hold_body(10));
}

TEST(MemoryBudget, AGroupHasHalfOfTheAnswersOrOne) {
  const HttpLimits limits = limits_of(4 * large);
  MemoryBudget budget(limits);
  HeldMemory first(budget), second(budget), third(budget), others(budget);
  EXPECT_TRUE(first.hold_answer(group("10.0.0.1"), 3 * large));
  EXPECT_FALSE(second.hold_answer(group("10.0.0.1"), large));
  EXPECT_FALSE(others.hold_answer(group("10.0.0.2"), 2 * large));
  EXPECT_TRUE(others.hold_answer(group("10.0.0.2"), large));
  first.shrink_answer(large);
  EXPECT_TRUE(second.hold_answer(group("10.0.0.1"), large));
  EXPECT_FALSE(third.hold_answer(group("10.0.0.1"), large));
}

TEST(MemoryBudget, SmallAnswersCountForNothing) {
  const HttpLimits limits = limits_of(0);
  MemoryBudget budget(limits);
  HeldMemory held(budget);
  EXPECT_TRUE(held.hold_answer(group("::1"), 64 * 1024));
  EXPECT_FALSE(held.hold_answer(group("::1"), 64 * 1024 + 1));
}

TEST(MemoryBudget, LimitsMayChange) {
  HttpLimits limits = limits_of(10);
  MemoryBudget budget(limits);
  HeldMemory held(budget);
  EXPECT_TRUE(held.hold_body(10));
  limits.body_memory.bytes = 5;
  EXPECT_FALSE(held.hold_body(1));
  held.release_body();
  EXPECT_TRUE(held.hold_body(5));
}

}  // namespace
}  // namespace audit::httpd
