// Slows down those who guess passwords: so many failed logins for a name, or from an address, in a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "auth/sha256.hpp"

namespace audit::httpd {

// Each attempt counts as failed when it begins, so that many at once do not slip through, and is taken back when it
// turns out well. Bounded: what an attacker can fill are two tables of fixed size.
class LoginThrottle {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LoginThrottle(unsigned max_failures, std::chrono::seconds window, std::size_t capacity = 10'000)
      : max_failures_(max_failures), window_(window), capacity_(capacity) {}

  void set_limits(unsigned max_failures, std::chrono::seconds window) {
    max_failures_ = max_failures;
    window_ = window;
  }

  // Nothing: go on, and say later how it went. Otherwise: how long to wait.
  std::optional<std::chrono::seconds> begin(std::string_view username, std::string_view address, Time now);
  void succeeded(std::string_view username, std::string_view address);
  // Neither right nor wrong: the database was away.
  void undecided(std::string_view username, std::string_view address);

 private:
  struct Failures {
    unsigned count;
    Time window_end;
  };
  // By hash, so that long names take no more room than short ones.
  using Table = std::unordered_map<Sha256, Failures, Sha256Hash>;

  std::optional<std::chrono::seconds> wait_for(const Table& table, const Sha256& key, Time now) const;
  void count(Table& table, const Sha256& key, Time now);
  void make_room(Table& table, Time now) const;
  static void take_back(Table& table, const Sha256& key);

  unsigned max_failures_;
  std::chrono::seconds window_;
  std::size_t capacity_;
  Table by_name_;
  Table by_address_;
};

}  // namespace audit::httpd
