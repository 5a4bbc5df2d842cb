// Slows down the guessing of passwords: counts failed log-ins for a name and for an address within a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "auth/sha256.hpp"

namespace audit::httpd {

// Each attempt counts as failed when it begins, so parallel attempts are counted too. A successful one is taken back.
// The two tables have a fixed size, so an attacker cannot make them grow.
class LoginThrottle {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LoginThrottle(unsigned max_failures, std::chrono::seconds window, std::size_t capacity = 10'000)
      : max_failures_(max_failures), window_(window), capacity_(capacity) {}

  void set_limits(unsigned max_failures, std::chrono::seconds window) {
    max_failures_ = max_failures;
    window_ = window;
  }

  // Nothing: go on, and report later how it went. Otherwise: how long to wait.
  std::optional<std::chrono::seconds> begin(std::string_view username, std::string_view address, Time now);
  void succeeded(std::string_view username, std::string_view address);
  // Neither a success nor a failure: the database was away.
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
