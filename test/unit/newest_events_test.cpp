// The kept events against sorting everything.
#include "newest_events.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace audit {
namespace {

EventKey key_of(std::int64_t time, int id) {
  EventKey key = first_key_of(time);
  key.id[0] = static_cast<std::uint8_t>(id);
  return key;
}

TEST(NewestEvents, OrderIsTimeThenIdAsBytes) {
  EXPECT_LT(compare(key_of(-1, 9), key_of(0, 1)), 0);
  EXPECT_LT(compare(key_of(0, 1), key_of(0, 200)), 0);
  EXPECT_EQ(compare(key_of(7, 3), key_of(7, 3)), 0);
}

TEST(NewestEvents, Ranges) {
  const KeyRange everything;
  EXPECT_FALSE(is_empty(everything));
  EXPECT_TRUE(contains(everything, key_of(0, 0)));
  const KeyRange range = intersect(everything, {first_key_of(5), key_of(9, 4)});
  EXPECT_FALSE(contains(range, key_of(4, 255)));
  EXPECT_TRUE(contains(range, key_of(5, 0)));
  EXPECT_TRUE(contains(range, key_of(9, 3)));
  EXPECT_FALSE(contains(range, key_of(9, 4)));
  EXPECT_TRUE(is_empty(intersect(range, {first_key_of(10), {}})));
}

TEST(NewestEvents, KeepsTheNewestOnce) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; round++) {
    const int capacity = 1 + static_cast<int>(random() % 20);
    std::vector<NewestEvents<int>::Entry> memory(capacity);
    NewestEvents<int> kept(memory.data(), capacity);
    std::vector<EventKey> all;
    for (int i = 0, count = static_cast<int>(random() % 60); i < count; i++) {
      const EventKey key = key_of(random() % 10, static_cast<int>(random() % 5));
      const bool is_here =
          std::any_of(all.begin(), all.end(), [&](const EventKey& other) { return compare(key, other) == 0; });
      int evicted = -1;
      if (kept.wants(key)) {
        ASSERT_TRUE(!is_here || kept.is_full());
        const bool was_full = kept.is_full();
        ASSERT_EQ(kept.add(key, static_cast<int>(key.created_at_us), evicted), was_full);
        if (was_full) {
          ASSERT_LE(evicted, key.created_at_us);
        }
      }
      if (!is_here) all.push_back(key);
    }
    std::sort(all.begin(), all.end(), [](const EventKey& a, const EventKey& b) { return compare(a, b) > 0; });
    ASSERT_EQ(kept.size(), std::min<int>(capacity, static_cast<int>(all.size())));
    const EventKey border = key_of(5, 2);
    const auto newer_count = std::count_if(all.begin(), all.end(), [&](auto& key) { return compare(key, border) > 0; });
    ASSERT_EQ(kept.room_below(border), std::max<int>(0, capacity - static_cast<int>(newer_count)));
    for (int i = 0; i < kept.size(); i++) {
      ASSERT_EQ(compare(kept[i].key, all[i]), 0);
      ASSERT_EQ(kept[i].payload, kept[i].key.created_at_us);
    }
  }
}

}  // namespace
}  // namespace audit
