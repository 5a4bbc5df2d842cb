// Compressed runs against the addresses they were made of.
#include "tid_run.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace audit {
namespace {

// As GIN writes them.
std::vector<unsigned char> compress(const std::vector<Tid>& tids) {
  std::vector<unsigned char> bytes;
  for (std::size_t i = 1; i < tids.size(); i++) {
    Tid difference = tids[i] - tids[i - 1];
    for (; difference >= 0x80; difference >>= 7) bytes.push_back(static_cast<unsigned char>(difference | 0x80));
    bytes.push_back(static_cast<unsigned char>(difference));
  }
  return bytes;
}

TidRun run_of(const std::vector<Tid>& tids, const std::vector<unsigned char>& bytes) {
  return {tids[0], bytes.data(), static_cast<int>(bytes.size())};
}

// Of up to 100 addresses; differences of one to seven bytes.
std::vector<Tid> random_tids(std::mt19937_64& random) {
  std::vector<Tid> tids{1 + random() % 1000};
  const std::size_t count = 1 + random() % 100;
  const unsigned bits_max = 1 + random() % 43;
  while (tids.size() < count) tids.push_back(tids.back() + 1 + (random() >> (64 - 1 - random() % bits_max)));
  return tids;
}

TEST(DecodeTids, GivesBackWhatWasCompressed) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; round++) {
    const std::vector<Tid> tids = random_tids(random);
    const auto bytes = compress(tids);
    std::vector<Tid> decoded(bytes.size() + 1);
    bool is_complete = false;
    decoded.resize(static_cast<std::size_t>(decode_tids(run_of(tids, bytes), tid_max, decoded.data(), is_complete)));
    ASSERT_EQ(decoded, tids) << "round " << round;
    ASSERT_TRUE(is_complete);
  }
}

TEST(DecodeTids, AllUpToTheTarget) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 5000; round++) {
    const std::vector<Tid> tids = random_tids(random);
    const auto bytes = compress(tids);
    const Tid target = tids[random() % tids.size()] + random() % 3;
    std::vector<Tid> decoded(bytes.size() + 1);
    bool is_complete = false;
    decoded.resize(static_cast<std::size_t>(decode_tids(run_of(tids, bytes), target, decoded.data(), is_complete)));
    const auto needed = std::upper_bound(tids.begin(), tids.end(), target) - tids.begin();
    ASSERT_GE(decoded.size(), static_cast<std::size_t>(needed));
    ASSERT_TRUE(std::equal(decoded.begin(), decoded.end(), tids.begin())) << "round " << round;
    ASSERT_EQ(is_complete, decoded.size() == tids.size());
  }
}

TEST(DecodeTids, StopsSoonBehindTheTarget) {
  std::vector<Tid> tids(1000);
  for (std::size_t i = 0; i < tids.size(); i++) tids[i] = i + 1;
  const auto bytes = compress(tids);
  std::vector<Tid> decoded(tids.size());
  bool is_complete = true;
  EXPECT_LE(decode_tids(run_of(tids, bytes), 10, decoded.data(), is_complete), 20);
  EXPECT_FALSE(is_complete);
}

TEST(RetainTids, AsNaive) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20000; round++) {
    const std::vector<Tid> tids = random_tids(random);
    const auto bytes = compress(tids);
    std::vector<Tid> wanted;
    for (std::size_t i = 0, count = 1 + random() % 30; i < count; i++)
      wanted.push_back(std::max(tids[0], tids[random() % tids.size()] + random() % 5 - 2));
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    const Tid lowest = wanted[0], highest = wanted.back();
    std::vector<Tid> expected;
    std::set_intersection(tids.begin(), tids.end(), wanted.begin(), wanted.end(), std::back_inserter(expected));

    Tid below = 0;
    int tids_read = 0;
    const int count = static_cast<int>(wanted.size());
    wanted.resize(static_cast<std::size_t>(retain_tids(run_of(tids, bytes), wanted.data(), count, below, tids_read)));
    ASSERT_EQ(wanted, expected) << "round " << round;
    ASSERT_EQ(below, *std::prev(std::upper_bound(tids.begin(), tids.end(), lowest)));
    // To the first that is not below the highest, which it may have begun to read.
    const auto end = std::lower_bound(tids.begin(), tids.end(), highest);
    const auto needed = std::min<std::ptrdiff_t>(end - tids.begin() + 1, static_cast<std::ptrdiff_t>(tids.size()));
    ASSERT_LE(tids_read, needed);
    ASSERT_GE(tids_read, needed - 1);
  }
}

TEST(RetainTids, AddressWithoutFollowers) {
  const TidRun run{5, nullptr, 0};
  Tid wanted[] = {5, 6}, below = 0;
  int tids_read = 0;
  EXPECT_EQ(retain_tids(run, wanted, 2, below, tids_read), 1);
  EXPECT_EQ(wanted[0], 5u);
  EXPECT_EQ(below, 5u);
  EXPECT_EQ(tids_read, 1);
}

// A sum that is not whole yet may be what is looked for.
TEST(RetainTids, PartOfADifferenceIsNotAnAddress) {
  const std::vector<Tid> tids{100, 100 + 5 + (3 << 7)};
  const auto bytes = compress(tids);
  Tid wanted[] = {105, tids[1]}, below = 0;
  int tids_read = 0;
  EXPECT_EQ(retain_tids(run_of(tids, bytes), wanted, 2, below, tids_read), 1);
  EXPECT_EQ(wanted[0], tids[1]);
  EXPECT_EQ(below, 100u);
}

// Seven bits a byte and never an end: no list is like that, but a damaged page may be.
TEST(TidRuns, DamagedOnesDoNoHarm) {
  const std::vector<unsigned char> bytes(300, 0xff);
  const TidRun run{1, bytes.data(), static_cast<int>(bytes.size())};
  std::vector<Tid> decoded(bytes.size() + 1);
  bool is_complete = false;
  EXPECT_LE(decode_tids(run, tid_max, decoded.data(), is_complete), 301);
  Tid wanted[] = {1, 2, tid_max}, below = 0;
  int tids_read = 0;
  EXPECT_LE(retain_tids(run, wanted, 3, below, tids_read), 3);
}

}  // namespace
}  // namespace audit
