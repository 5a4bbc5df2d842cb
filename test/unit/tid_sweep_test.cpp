// The two parts of a sweep, and the guess where it should begin.
#include "tid_sweep.hpp"

#include <gtest/gtest.h>

namespace audit {
namespace {

TEST(TidSweep, OnePartFromTheTop) {
  TidSweep sweep;
  EXPECT_EQ(sweep.target(), tid_max);
  EXPECT_FALSE(sweep.has_passed(tid_max));
  sweep.go_on_at(10);
  EXPECT_TRUE(sweep.has_passed(11));
  EXPECT_FALSE(sweep.has_passed(10));
  sweep.end_part();
  EXPECT_TRUE(sweep.is_done());
  EXPECT_TRUE(sweep.has_passed(1));
}

TEST(TidSweep, FromTheMiddleItComesBackForTheRest) {
  TidSweep sweep(100);
  sweep.go_on_at(40);
  EXPECT_FALSE(sweep.has_passed(101));
  EXPECT_TRUE(sweep.has_passed(100));
  EXPECT_TRUE(sweep.has_passed(41));
  EXPECT_FALSE(sweep.has_passed(40));
  sweep.end_part();
  EXPECT_FALSE(sweep.is_done());
  EXPECT_EQ(sweep.target(), tid_max);
  EXPECT_TRUE(sweep.has_passed(1));
  EXPECT_TRUE(sweep.has_passed(100));
  EXPECT_FALSE(sweep.has_passed(101));
  EXPECT_TRUE(sweep.lies_ahead(101));
  EXPECT_FALSE(sweep.lies_ahead(100));
  sweep.go_on_at(150);
  EXPECT_TRUE(sweep.has_passed(151));
  EXPECT_FALSE(sweep.has_passed(150));
  sweep.end_part();
  EXPECT_TRUE(sweep.is_done());
}

TEST(GuessSweepStart, IsAboveMostOfTheSample) {
  Tid rising[] = {10, 20, 30, 40};
  EXPECT_EQ(guess_sweep_start(rising, 4), 50u);
  Tid one[] = {7};
  EXPECT_EQ(guess_sweep_start(one, 1), 7u);
}

TEST(GuessSweepStart, FewRowsFarAwayDoNotMoveIt) {
  Tid with_outlier[] = {13, 1'000'000'000, 10, 12, 11, 14, 15, 16};
  EXPECT_LT(guess_sweep_start(with_outlier, 8), 100u);
}

}  // namespace
}  // namespace audit
