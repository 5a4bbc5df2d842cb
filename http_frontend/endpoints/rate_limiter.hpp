// So many requests a second for each caller (token bucket).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string_view>
#include <unordered_map>

namespace audit::httpd {

// A caller that was silent for a second may send a second's requests at once. Bounded: the one that was silent longest
// makes room, and is the one that loses nothing by being forgotten.
class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Caller = std::array<std::uint8_t, 16>;  // an address, or part of a hash

  struct Verdict {
    bool is_allowed;
    unsigned remaining;         // that may follow at once
    std::chrono::seconds wait;  // until the next one may, if this one may not
  };

  // `per_second` zero: no limit.
  explicit RateLimiter(unsigned per_second, std::size_t capacity = 10'000)
      : per_second_(per_second), capacity_(capacity) {}

  void set(unsigned per_second) { per_second_ = per_second; }
  bool is_on() const { return per_second_ != 0; }
  unsigned per_second() const { return per_second_; }
  // REQUIRES: is_on().
  Verdict take(const Caller& caller, Time now);

 private:
  struct Bucket {
    Caller caller;
    double tokens;
    Time filled_at;
  };
  struct CallerHash {
    std::size_t operator()(const Caller& caller) const {
      return std::hash<std::string_view>()({reinterpret_cast<const char*>(caller.data()), caller.size()});
    }
  };

  Bucket& bucket_of(const Caller& caller, Time now);

  unsigned per_second_;
  std::size_t capacity_;
  std::list<Bucket> buckets_;  // most recently used first
  std::unordered_map<Caller, std::list<Bucket>::iterator, CallerHash> by_caller_;
};

}  // namespace audit::httpd
