// The order of events, ranges of it, and a page under construction: the newest events seen so far, in order.
#pragma once

#include <cstdint>
#include <cstring>

#include "core_only.hpp"
#include "page_cursor.hpp"

namespace audit {

// < 0 where `a` is older than `b`, 0 for the same event.
inline int compare(const EventKey& a, const EventKey& b) noexcept {
  if (a.created_at_us != b.created_at_us) return a.created_at_us < b.created_at_us ? -1 : 1;
  return std::memcmp(a.id.data(), b.id.data(), a.id.size());
}

// The oldest possible event of that moment: "created_at < t" is "older than first_key_of(t)".
constexpr EventKey first_key_of(std::int64_t created_at_us) noexcept { return {created_at_us, {}}; }

// From the oldest (inclusive) to the newest (exclusive). As made: everything there is, since created_at is never
// infinity.
struct KeyRange {
  EventKey from = first_key_of(INT64_MIN);
  EventKey before = first_key_of(INT64_MAX);
};

inline KeyRange intersect(const KeyRange& a, const KeyRange& b) noexcept {
  return {compare(a.from, b.from) < 0 ? b.from : a.from, compare(a.before, b.before) < 0 ? a.before : b.before};
}

inline bool is_empty(const KeyRange& range) noexcept { return compare(range.from, range.before) >= 0; }
inline bool contains(const KeyRange& range, const EventKey& key) noexcept {
  return compare(range.from, key) <= 0 && compare(key, range.before) < 0;
}

// Up to `capacity` events, newest first, each with what the caller keeps for it. An event comes in once, however often
// it is offered. The memory is the caller's, so that it needs no destructor.
template <typename Payload>
class NewestEvents {
 public:
  struct Entry {
    EventKey key;
    Payload payload;
  };

  // REQUIRES: 1 <= capacity, and room for that many entries.
  NewestEvents(Entry* entries, int capacity) noexcept : entries_(entries), capacity_(capacity) {}

  int size() const noexcept { return size_; }
  bool is_full() const noexcept { return size_ == capacity_; }
  // How many events of `key` and older may be in the page.
  int room_below(const EventKey& key) const noexcept { return capacity_ - place_of(key); }
  const Entry& operator[](int index) const noexcept { return entries_[index]; }
  // REQUIRES: size() > 0.
  const EventKey& oldest() const noexcept { return entries_[size_ - 1].key; }

  // Whether an event of that key would come in: it is not here, and there is room or it is newer than the oldest here.
  bool wants(const EventKey& key) const noexcept {
    const int place = place_of(key);
    return place < capacity_ && (place == size_ || compare(entries_[place].key, key) != 0);
  }

  // Returns true and sets `evicted` where the oldest had to go. REQUIRES: wants(key).
  bool add(const EventKey& key, const Payload& payload, Payload& evicted) noexcept {
    const int place = place_of(key);
    const bool evicts = is_full();
    if (evicts) evicted = entries_[--size_].payload;
    for (int i = size_; i > place; i--) entries_[i] = entries_[i - 1];
    entries_[place] = {key, payload};
    size_++;
    return evicts;
  }

 private:
  // Of the first entry that is not newer than `key`.
  int place_of(const EventKey& key) const noexcept {
    int low = 0, high = size_;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (compare(entries_[middle].key, key) > 0)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  Entry* entries_;
  int capacity_;
  int size_ = 0;
};

}  // namespace audit
