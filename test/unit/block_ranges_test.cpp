// Ranges against a naive look at every address below the target.
#include "block_ranges.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace audit {
namespace {

TEST(BlockRanges, OfNoneNothingIsKnown) {
  const BlockRanges ranges;
  for (const Tid target : {Tid{0}, Tid{1}, tid_max}) {
    Tid found = 1;
    EXPECT_TRUE(ranges.seek_at_most(target, INT64_MAX, found));
    EXPECT_EQ(found, target);
  }
}

TEST(BlockRanges, NothingIsKnownUntilItIsSet) {
  std::vector<std::int64_t> newest(3);
  const BlockRanges ranges(newest.data(), newest.size(), 10);
  for (Tid target = 0; target < 50; target++) {
    Tid found = 99;
    EXPECT_TRUE(ranges.seek_at_most(target, INT64_MAX, found));
    EXPECT_EQ(found, target);
  }
}

TEST(BlockRanges, WhatIsOlderIsPassedOver) {
  std::vector<std::int64_t> newest(4);
  BlockRanges ranges(newest.data(), newest.size(), 10);
  ranges.set_newest(0, 100);
  ranges.set_newest(1, 300);
  ranges.set_newest(2, 200);
  ranges.set_newest(3, INT64_MIN);
  Tid found = 0;
  EXPECT_TRUE(ranges.seek_at_most(39, 300, found));
  EXPECT_EQ(found, 19U);  // of that very time
  EXPECT_TRUE(ranges.seek_at_most(39, 200, found));
  EXPECT_EQ(found, 29U);
  EXPECT_TRUE(ranges.seek_at_most(15, 300, found));
  EXPECT_EQ(found, 15U);
  EXPECT_FALSE(ranges.seek_at_most(39, 301, found));
  EXPECT_FALSE(ranges.seek_at_most(9, 101, found));
  EXPECT_TRUE(ranges.seek_at_most(40, INT64_MAX, found));
  EXPECT_EQ(found, 40U);  // behind the last
}

TEST(BlockRanges, ResultMayBeTheTarget) {
  std::vector<std::int64_t> newest(2);
  BlockRanges ranges(newest.data(), newest.size(), 10);
  ranges.set_newest(1, 1);
  Tid place = 15;
  EXPECT_TRUE(ranges.seek_at_most(place, 2, place));
  EXPECT_EQ(place, 9U);
}

TEST(BlockRanges, AgreeWithANaiveLook) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; round++) {
    const Tid length = 1 + random() % 7;
    std::vector<std::int64_t> newest(random() % 12), known;
    BlockRanges ranges(newest.data(), newest.size(), length);
    for (std::size_t i = 0; i < newest.size(); i++) {
      known.push_back(random() % 4 == 0 ? INT64_MAX : static_cast<std::int64_t>(random() % 10));
      if (known[i] != INT64_MAX) ranges.set_newest(i, known[i]);
    }
    for (Tid target = 0; target < length * (newest.size() + 2); target++) {
      const auto from = static_cast<std::int64_t>(random() % 11);
      Tid expected = target + 1;
      while (expected > 0 && (expected - 1) / length < known.size() && known[(expected - 1) / length] < from)
        expected--;
      Tid found = 0;
      ASSERT_EQ(ranges.seek_at_most(target, from, found), expected > 0) << round;
      ASSERT_EQ(ranges.may_hold(target, from), expected == target + 1) << round;
      if (expected > 0) {
        ASSERT_EQ(found, expected - 1) << round;
      }
    }
  }
}

}  // namespace
}  // namespace audit
