// The collector against a naive search of the same rows, from any start, with and without ranges.
#include "tid_collector.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "vector_list.hpp"

namespace audit {
namespace {

constexpr Tid highest = 400;
constexpr Tid tids_per_range = 32;

// Lists, each with some share of the addresses, and a few extra ones.
struct Rows {
  explicit Rows(std::mt19937_64& random) {
    for (const double share : {0.3, 0.6}) lists.push_back(list_of(some(random, share)));
    extras = some(random, 0.05);
  }

  static std::vector<Tid> some(std::mt19937_64& random, double share) {
    std::bernoulli_distribution is_member(share);
    std::vector<Tid> tids;
    for (Tid tid = 1; tid <= highest; tid++)
      if (is_member(random)) tids.push_back(tid);
    return tids;
  }

  bool may_match(Tid tid) const {
    const auto has = [tid](const std::vector<Tid>& tids) { return std::binary_search(tids.begin(), tids.end(), tid); };
    return has(extras) || (has(lists[0].tids) && has(lists[1].tids));
  }

  CandidateTids<VectorList> candidates() {
    return {{lists.data(), static_cast<int>(lists.size()), batch.data(), static_cast<int>(batch.size())},
            extras.data(),
            static_cast<int>(extras.size())};
  }

  std::vector<VectorList> lists;
  std::vector<Tid> extras;
  std::array<Tid, 8> batch{};
};

CandidateTids<VectorList> nothing() { return {{nullptr, 0, nullptr, 0}, nullptr, 0}; }

TEST(TidCollector, IsDoneAtOnceWhereNothingMayMatch) {
  TidCollector<VectorList> collector(nothing());
  Tid found = 0;
  EXPECT_FALSE(collector.step(0, 1, found));
  EXPECT_TRUE(collector.is_done());
}

TEST(TidCollector, FindsEachRowOnceWhereverItBegins) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; round++) {
    Rows rows(random);
    TidCollector<VectorList> collector(nothing());
    collector.begin(rows.candidates());
    if (round % 3 > 0) collector.start_at(random() % (2 * highest));
    std::vector<Tid> found;
    for (Tid tid = 0; !collector.is_done();) {
      if (!collector.step(0, 1 + round % 9, tid)) continue;
      found.push_back(tid);
      EXPECT_TRUE(collector.has_passed(tid));
    }
    std::sort(found.begin(), found.end());
    std::vector<Tid> expected;
    for (Tid tid = 1; tid <= highest; tid++)
      if (rows.may_match(tid)) expected.push_back(tid);
    EXPECT_EQ(found, expected);
  }
}

// Whatever is passed and was not found cannot match, or is too old by its range.
TEST(TidCollector, LeavesOutOnlyWhatIsTooOld) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 300; round++) {
    Rows rows(random);
    std::array<std::int64_t, highest / tids_per_range> newest_us;
    BlockRanges ranges(newest_us.data(), newest_us.size(), tids_per_range);
    for (std::size_t range = 0; range < newest_us.size(); range++)
      if (random() % 4 > 0) ranges.set_newest(range, static_cast<std::int64_t>(random() % 100));
    TidCollector<VectorList> collector(rows.candidates());
    if (round % 2 > 0) collector.start_at(random() % highest);
    collector.set_ranges(ranges);
    std::vector<bool> is_found(highest + 1);
    std::int64_t from_us = 0;
    for (Tid tid = 0; !collector.is_done(); from_us += static_cast<std::int64_t>(random() % 3)) {
      if (collector.step(from_us, 1 + round % 9, tid)) {
        EXPECT_TRUE(rows.may_match(tid) && ranges.may_hold(tid, from_us) && !is_found[tid]);
        is_found[tid] = true;
      }
      for (Tid passed = 1; passed <= highest; passed++)
        if (collector.has_passed(passed) && !is_found[passed]) {
          EXPECT_TRUE(!rows.may_match(passed) || !ranges.may_hold(passed, from_us)) << passed;
        }
    }
  }
}

}  // namespace
}  // namespace audit
