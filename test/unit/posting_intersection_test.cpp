// Batches against a naive intersection, on random lists of very different lengths.
#include "posting_intersection.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "vector_list.hpp"

namespace audit {
namespace {

VectorList random_list(std::mt19937_64& random, Tid universe, double share) {
  std::bernoulli_distribution is_member(share);
  VectorList list;
  for (Tid tid = 0; tid < universe; tid++)
    if (is_member(random)) list.tids.push_back(tid * 3 + 1);
  list.proposed_max = 1 + static_cast<int>(random() % 20);
  list.tells_least = random() % 2 == 0;
  return list;
}

std::vector<Tid> naive(const std::vector<VectorList>& lists, Tid target) {
  std::vector<Tid> common;
  for (const Tid tid : lists[0].tids) {
    const auto has = [tid](const VectorList& list) {
      return std::binary_search(list.tids.begin(), list.tids.end(), tid);
    };
    if (tid <= target && std::all_of(lists.begin(), lists.end(), has)) common.insert(common.begin(), tid);
  }
  return common;
}

using Batch = std::array<Tid, 32>;

PostingIntersection<VectorList> intersection_of(std::vector<VectorList>& lists, Batch& batch) {
  return {lists.data(), static_cast<int>(lists.size()), batch.data(), static_cast<int>(batch.size())};
}

std::vector<Tid> by_batches(std::vector<VectorList>& lists, Tid target, int look_limit) {
  Batch batch;
  auto intersection = intersection_of(lists, batch);
  std::vector<Tid> common;
  while (true) {
    Tid place = 0;
    const Seek seek = intersection.seek_at_most(target, look_limit, place);
    if (seek == Seek::exhausted) return common;
    if (seek == Seek::found) common.push_back(place);
    if (seek == Seek::found && place == 0) return common;
    target = seek == Seek::found ? place - 1 : place;
  }
}

TEST(PostingIntersection, EmptyListHasNothingInCommon) {
  std::vector<VectorList> lists{list_of({1, 2, 3}), list_of({})};
  EXPECT_TRUE(by_batches(lists, tid_max, 100).empty());
  Batch batch;
  auto intersection = intersection_of(lists, batch);
  EXPECT_FALSE(intersection.contains(2));
}

TEST(PostingIntersection, TargetIsInclusive) {
  std::vector<VectorList> lists{list_of({0, 5, 9, tid_max}), list_of({0, 5, 8, tid_max})};
  EXPECT_EQ(by_batches(lists, tid_max, 100), (std::vector<Tid>{tid_max, 5, 0}));
  EXPECT_EQ(by_batches(lists, 5, 100), (std::vector<Tid>{5, 0}));
  EXPECT_EQ(by_batches(lists, 4, 100), (std::vector<Tid>{0}));
}

TEST(PostingIntersection, OneList) {
  std::vector<VectorList> lists{list_of({3, 4, 7})};
  EXPECT_EQ(by_batches(lists, 6, 1), (std::vector<Tid>{4, 3}));
}

TEST(PostingIntersection, PassesOverWhatTheOthersHaveNot) {
  std::vector<VectorList> lists{list_of({1, 1000000}), list_of({})};
  for (Tid tid = 1; tid <= 100000; tid++) lists[1].tids.push_back(tid);
  EXPECT_EQ(by_batches(lists, tid_max, 100), (std::vector<Tid>{1}));
  EXPECT_LT(lists[1].looks, 5);
}

TEST(PostingIntersection, TargetsMayGoUpAgain) {
  std::vector<VectorList> lists{list_of({1, 3, 5, 7}), list_of({1, 2, 3, 6, 7})};
  Batch batch;
  auto intersection = intersection_of(lists, batch);
  for (const Tid target : {Tid{2}, Tid{7}, Tid{4}, Tid{6}, tid_max, Tid{0}}) {
    Tid place = 0;
    const bool is_found = intersection.seek_at_most(target, 1000, place) == Seek::found;
    EXPECT_EQ(is_found, target >= 1) << target;
    const Tid expected = target >= 7 ? 7 : target >= 3 ? 3 : 1;
    EXPECT_EQ(is_found ? place : expected, expected) << target;
  }
}

TEST(PostingIntersection, EqualsNaiveIntersection) {
  std::mt19937_64 random(20250101);
  const double shares[] = {0, 0.01, 0.1, 0.5, 1};
  for (int round = 0; round < 2000; round++) {
    const Tid universe = random() % 300;
    std::vector<VectorList> lists;
    for (std::size_t i = 0, count = 1 + random() % 6; i < count; i++)
      lists.push_back(random_list(random, universe, shares[random() % 5]));
    const Tid target = random() % 3 == 0 ? tid_max : random() % (universe * 3 + 2);
    const int look_limit = random() % 2 == 0 ? 1000000 : static_cast<int>(lists.size() + random() % 3);
    const auto expected = naive(lists, target);
    ASSERT_EQ(by_batches(lists, target, look_limit), expected) << "round " << round;
    Batch batch;
    auto intersection = intersection_of(lists, batch);
    for (Tid tid = 0; tid < universe * 3; tid++)
      ASSERT_EQ(intersection.contains(tid),
                tid <= target ? std::count(expected.begin(), expected.end(), tid) == 1 : intersection.contains(tid));
  }
}

}  // namespace
}  // namespace audit
