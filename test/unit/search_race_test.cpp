// The turns: what the whole costs beside the cheaper of the two searches.
#include "search_race.hpp"

#include <gtest/gtest.h>

namespace audit {
namespace {

constexpr double step_ns = 10'000;
constexpr double never_ns = 1e12;

// What both cost until one of them is done.
double cost_of_race(double walkers_way_ns, double collectors_way_ns, bool is_page_full, SearchRace race = {}) {
  double walker_ns = 0, collector_ns = 0;
  while (walker_ns < walkers_way_ns && collector_ns < collectors_way_ns) {
    if (race.is_walkers_turn(is_page_full, false)) {
      race.add_walkers_cost(step_ns);
      walker_ns += step_ns;
    } else {
      race.add_collectors_cost(step_ns);
      collector_ns += step_ns;
    }
  }
  return walker_ns + collector_ns;
}

TEST(SearchRace, AFullPageIsTheWalkersAtFirst) {
  SearchRace race;
  EXPECT_TRUE(race.is_walkers_turn(true, false));
  EXPECT_FALSE(race.is_walkers_turn(false, false));
  EXPECT_TRUE(race.is_walkers_turn(false, true));
  EXPECT_EQ(cost_of_race(100'000, never_ns, true), 100'000);
}

TEST(SearchRace, WithAFullPageItCostsTwiceTheCheaperOneAndAHeadStart) {
  for (const double way_ns : {5e4, 5e5, 5e6, 5e7}) {
    EXPECT_LE(cost_of_race(way_ns, never_ns, true), 2 * way_ns + 2 * step_ns) << way_ns;
    EXPECT_LE(cost_of_race(never_ns, way_ns, true), 2 * way_ns + 200'000 + 2 * step_ns) << way_ns;
  }
}

TEST(SearchRace, WithoutAFullPageTheWalkerHasAFifth) {
  for (const double way_ns : {5e4, 5e5, 5e6, 5e7}) {
    EXPECT_LE(cost_of_race(never_ns, way_ns, false), 1.25 * way_ns + 2 * step_ns) << way_ns;
    EXPECT_LE(cost_of_race(way_ns, never_ns, false), 5 * way_ns + 200'000 + 5 * step_ns) << way_ns;
  }
}

TEST(SearchRace, BeginsAnewWithoutAHeadStart) {
  SearchRace race;
  race.add_walkers_cost(1e6);
  race.add_collectors_cost(2e6);
  EXPECT_EQ(race.favourites_cost_ns(true), 1e6);
  EXPECT_EQ(race.favourites_cost_ns(false), 2e6);
  race.begin_anew();
  EXPECT_EQ(race.favourites_cost_ns(true), 0);
  EXPECT_LE(cost_of_race(never_ns, 5e5, true, race), 2 * 5e5 + 2 * step_ns);
}

}  // namespace
}  // namespace audit
