// The walker, alone and in turns with a collector, against sorting all events.
#include "key_walker.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tid_collector.hpp"
#include "vector_list.hpp"

namespace audit {
namespace {

struct Event {
  EventKey key;
  Tid tid;
  bool is_listed;  // the lists have it
  bool matches;    // and it has not changed since
};

// Few times, so that many events share one; stored in any order.
std::vector<Event> make_events(std::mt19937_64& random, int count) {
  std::vector<Event> events;
  for (int i = 0; i < count; i++) {
    EventKey key = first_key_of(static_cast<std::int64_t>(random() % 40));
    key.id[0] = static_cast<std::uint8_t>(i), key.id[1] = static_cast<std::uint8_t>(i / 256);
    const bool is_listed = random() % 3 == 0;
    events.push_back({key, 0, is_listed, is_listed && random() % 4 > 0});
  }
  std::shuffle(events.begin(), events.end(), random);
  for (std::size_t i = 0; i < events.size(); i++) events[i].tid = i + 1;
  return events;
}

class Walk {
 public:
  Walk(std::vector<Event> events, int page_size) : events_(std::move(events)), page_size_(page_size) {
    std::sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) { return compare(a.key, b.key) > 0; });
  }
  bool next_page() {
    pages_read++;
    begin_ += static_cast<std::size_t>(size_);
    size_ = static_cast<int>(std::min(events_.size() - begin_, static_cast<std::size_t>(page_size_)));
    return size_ > 0;
  }
  int size() const { return size_; }
  Tid tid(int i) const { return events_[begin_ + static_cast<std::size_t>(i)].tid; }
  EventKey key(int i) const { return events_[begin_ + static_cast<std::size_t>(i)].key; }
  bool is_last_page() const { return begin_ + static_cast<std::size_t>(size_) == events_.size(); }

  int pages_read = 0;

 private:
  std::vector<Event> events_;
  int page_size_;
  std::size_t begin_ = 0;
  int size_ = 0;
};

struct Rows {
  Rows(const std::vector<Event>& events, int wanted_max, const EventKey& from)
      : events(events), entries(static_cast<std::size_t>(wanted_max)), kept(entries.data(), wanted_max), from(from) {}

  const EventKey& oldest_wanted() const {
    return kept.is_full() && compare(from, kept.oldest()) < 0 ? kept.oldest() : from;
  }
  bool wants(const EventKey& key) const { return kept.wants(key); }
  void fetch(Tid tid) {
    fetched++;
    const Event& event = events[tid - 1];
    int evicted = 0;
    if (event.matches && compare(event.key, from) >= 0 && wants(event.key)) kept.add(event.key, 0, evicted);
  }
  std::vector<EventKey> keys() const {
    std::vector<EventKey> keys;
    for (int i = 0; i < kept.size(); i++) keys.push_back(kept[i].key);
    return keys;
  }

  const std::vector<Event>& events;
  std::vector<NewestEvents<int>::Entry> entries;
  NewestEvents<int> kept;
  EventKey from;
  int fetched = 0;
};

std::vector<EventKey> newest(const std::vector<Event>& events, int wanted_max, const EventKey& from) {
  std::vector<EventKey> keys;
  for (const Event& event : events)
    if (event.matches && compare(event.key, from) >= 0) keys.push_back(event.key);
  std::sort(keys.begin(), keys.end(), [](const EventKey& a, const EventKey& b) { return compare(a, b) > 0; });
  keys.resize(std::min(keys.size(), static_cast<std::size_t>(wanted_max)));
  return keys;
}

bool are_equal(const std::vector<EventKey>& a, const std::vector<EventKey>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const EventKey& x, const EventKey& y) { return compare(x, y) == 0; });
}

std::vector<Tid> listed(const std::vector<Event>& events) {
  std::vector<Tid> tids;
  for (const Event& event : events)
    if (event.is_listed) tids.push_back(event.tid);
  return tids;
}

using Candidates = CandidateTids<VectorList>;

TEST(KeyWalker, AnEmptyTableHasNoPage) {
  std::vector<Event> none;
  Walk walk(none, 5);
  Candidates candidates({nullptr, 0, nullptr, 0}, nullptr, 0);
  Rows rows(none, 5, first_key_of(0));
  KeyWalker walker(walk, candidates, rows);
  EXPECT_FALSE(walker.load_page());
  walker.step(TidCollector<VectorList>(candidates));
  EXPECT_TRUE(walker.is_done());
}

// All events are listed and match.
struct EasySearch {
  EasySearch(std::vector<Event> all, int wanted_max, std::int64_t from_us = INT64_MIN)
      : events(std::move(all)), rows(events, wanted_max, first_key_of(from_us)) {
    for (Event& event : events) event.is_listed = event.matches = true;
    list = list_of(listed(events));
  }

  template <typename Collector>
  void run(const Collector& collector) {
    Candidates candidates({&list, 1, batch, 8}, nullptr, 0);
    KeyWalker walker(walk, candidates, rows);
    while (!walker.is_done()) walker.step(collector);
  }

  std::vector<Event> events;
  Walk walk{events, 7};
  Rows rows;
  VectorList list;
  Tid batch[8];
};

struct PassedNothing {
  bool has_passed(Tid) const { return false; }
};

struct PassedEverything {
  bool has_passed(Tid) const { return true; }
};

TEST(KeyWalker, ReadsNoMoreThanItMust) {
  std::mt19937_64 random(3);
  EasySearch search(make_events(random, 300), 10);
  search.run(PassedNothing());
  EXPECT_TRUE(are_equal(search.rows.keys(), newest(search.events, 10, search.rows.from)));
  EXPECT_EQ(search.rows.fetched, 10);
  EXPECT_EQ(search.list.looks, 10);
  EXPECT_EQ(search.walk.pages_read, 2);
}

TEST(KeyWalker, StopsWhereTheRangeBegins) {
  std::mt19937_64 random(3);
  EasySearch search(make_events(random, 300), 300, 20);
  search.run(PassedNothing());
  EXPECT_EQ(static_cast<std::size_t>(search.rows.fetched), newest(search.events, 300, search.rows.from).size());
  EXPECT_EQ(search.list.looks, search.rows.fetched);
}

TEST(KeyWalker, LeavesToTheCollectorWhatThatHasPassed) {
  std::mt19937_64 random(3);
  EasySearch search(make_events(random, 300), 10);
  search.run(PassedEverything());
  EXPECT_EQ(search.rows.fetched, 0);
}

// A row that was changed may have an entry for each version.
TEST(KeyWalker, FetchesAnEventOnceThatItHas) {
  const EventKey key = first_key_of(5);
  EasySearch search({{key, 1, true, true}, {key, 2, true, true}, {first_key_of(4), 3, true, true}}, 3);
  search.run(PassedNothing());
  EXPECT_EQ(search.rows.kept.size(), 2);
  EXPECT_EQ(search.rows.fetched, 2);
}

// Whichever of the two is done first, and however they take turns, the page is complete.
TEST(KeyWalker, WithACollectorAsNaive) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 2000; round++) {
    const std::vector<Event> events = make_events(random, static_cast<int>(random() % 300));
    const int wanted_max = 1 + static_cast<int>(random() % 30);
    Walk walk(events, 1 + static_cast<int>(random() % 20));
    std::vector<VectorList> collectors{list_of(listed(events))}, walkers = collectors;
    Tid collectors_batch[8], walkers_batch[8];
    Candidates candidates({walkers.data(), 1, walkers_batch, 8}, nullptr, 0);
    Rows rows(events, wanted_max, first_key_of(static_cast<std::int64_t>(random() % 60) - 20));
    KeyWalker walker(walk, candidates, rows);
    TidCollector<VectorList> collector(Candidates({collectors.data(), 1, collectors_batch, 8}, nullptr, 0));
    if (round % 2 == 0) collector.start_at(random() % 400);
    const std::uint64_t walkers_share = random() % 100;
    while (!walker.is_done() && !collector.is_done()) {
      Tid found = 0;
      const bool is_last = walker.is_last_step();
      if (random() % 100 < walkers_share) {
        walker.step(collector);
        if (is_last && !walker.is_done()) walker.step(collector);
        EXPECT_TRUE(!is_last || walker.is_done());
      } else if (collector.step(rows.oldest_wanted().created_at_us, 1 + round % 5, found)) {
        rows.fetch(found);
      }
    }
    EXPECT_TRUE(are_equal(rows.keys(), newest(events, wanted_max, rows.from))) << round;
  }
}

}  // namespace
}  // namespace audit
