// Lists and extra addresses together against a naive union, on random ones that overlap.
#include "candidate_tids.hpp"

#include <array>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "vector_list.hpp"

namespace audit {
namespace {

using Lists = std::vector<VectorList>;

using Batch = std::array<Tid, 8>;

CandidateTids<VectorList> candidates_of(Lists& lists, Batch& batch, const std::vector<Tid>& extras) {
  return {{lists.data(), static_cast<int>(lists.size()), batch.data(), static_cast<int>(batch.size())},
          extras.data(),
          static_cast<int>(extras.size())};
}

std::vector<Tid> all_below(CandidateTids<VectorList>& candidates, Tid target, int look_limit) {
  std::vector<Tid> found;
  Tid place = 0;
  for (Seek seek; (seek = candidates.seek_at_most(target, look_limit, place)) != Seek::exhausted;) {
    EXPECT_LE(place, target);
    if (seek == Seek::found) found.push_back(place);
    if (seek == Seek::found && place == 0) break;
    target = seek == Seek::found ? place - 1 : place;
  }
  return found;
}

TEST(CandidateTids, NoListsAndNoExtras) {
  Lists none;
  Batch batch;
  auto candidates = candidates_of(none, batch, {});
  EXPECT_TRUE(all_below(candidates, tid_max, 1).empty());
  EXPECT_FALSE(candidates.contains(0));
}

TEST(CandidateTids, ExtrasAlone) {
  Lists none;
  const std::vector<Tid> extras{0, 4, tid_max};
  Batch batch;
  auto candidates = candidates_of(none, batch, extras);
  EXPECT_EQ(all_below(candidates, tid_max, 1), (std::vector<Tid>{tid_max, 4, 0}));
  EXPECT_TRUE(candidates.contains(4));
  EXPECT_FALSE(candidates.contains(5));
}

TEST(CandidateTids, WhatIsInBothIsFoundOnce) {
  Lists lists{list_of({1, 3, 5, 7}), list_of({3, 5, 6, 7})};
  const std::vector<Tid> extras{2, 5, 9};
  Batch batch;
  auto candidates = candidates_of(lists, batch, extras);
  EXPECT_EQ(all_below(candidates, 9, 100), (std::vector<Tid>{9, 7, 5, 3, 2}));
  EXPECT_TRUE(candidates.contains(7));
  EXPECT_FALSE(candidates.contains(6));
}

TEST(CandidateTids, TargetsMayGoUpAgain) {
  Lists lists{list_of({1, 3, 5, 7})};
  const std::vector<Tid> extras{4};
  Batch batch;
  auto candidates = candidates_of(lists, batch, extras);
  EXPECT_EQ(all_below(candidates, 4, 1), (std::vector<Tid>{4, 3, 1}));
  EXPECT_EQ(all_below(candidates, tid_max, 1), (std::vector<Tid>{7, 5, 4, 3, 1}));
}

TEST(CandidateTids, ManyExtrasCostTheListsNothing) {
  Lists lists{list_of({1})};
  std::vector<Tid> extras;
  for (Tid tid = 10; tid < 1000; tid++) extras.push_back(tid);
  Batch batch;
  auto candidates = candidates_of(lists, batch, extras);
  EXPECT_EQ(all_below(candidates, tid_max, 1000).size(), 991u);
  EXPECT_LE(lists[0].looks, 3);
}

TEST(CandidateTids, AsNaive) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; round++) {
    const auto random_tids = [&random](double share) {
      std::bernoulli_distribution is_member(share);
      std::vector<Tid> tids;
      for (Tid tid = 0; tid < 400; tid++)
        if (is_member(random)) tids.push_back(tid);
      return tids;
    };
    Lists lists{list_of(random_tids(0.3)), list_of(random_tids(0.6))};
    const std::vector<Tid> extras = random_tids(round % 3 * 0.1);
    std::set<Tid, std::greater<>> expected(extras.begin(), extras.end());
    for (const Tid tid : lists[0].tids)
      if (std::binary_search(lists[1].tids.begin(), lists[1].tids.end(), tid)) expected.insert(tid);
    Batch batch;
    auto candidates = candidates_of(lists, batch, extras);
    EXPECT_EQ(all_below(candidates, tid_max, 1 + round % 9), std::vector<Tid>(expected.begin(), expected.end()));
    for (Tid tid = 0; tid < 400; tid++) EXPECT_EQ(candidates.contains(tid), expected.count(tid) == 1) << tid;
  }
}

}  // namespace
}  // namespace audit
