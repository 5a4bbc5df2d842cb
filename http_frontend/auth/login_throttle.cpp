#include "auth/login_throttle.hpp"

#include <algorithm>

namespace audit::httpd {

std::optional<std::chrono::seconds> LoginThrottle::begin(std::string_view username, std::string_view address,
                                                         Time now) {
  const Sha256 name_key = sha256(username);
  const Sha256 address_key = sha256(address);
  const auto name_wait = wait_for(by_name_, name_key, now);
  const auto address_wait = wait_for(by_address_, address_key, now);
  if (name_wait || address_wait) return std::max(name_wait, address_wait);
  count(by_name_, name_key, now);
  count(by_address_, address_key, now);
  return std::nullopt;
}

// The right password clears its name. The address keeps the failures it has with other names: an attacker with one
// account of his own must not wipe them out.
void LoginThrottle::succeeded(std::string_view username, std::string_view address) {
  by_name_.erase(sha256(username));
  take_back(by_address_, sha256(address));
}

void LoginThrottle::undecided(std::string_view username, std::string_view address) {
  take_back(by_name_, sha256(username));
  take_back(by_address_, sha256(address));
}

std::optional<std::chrono::seconds> LoginThrottle::wait_for(const Table& table, const Sha256& key, Time now) const {
  const auto found = table.find(key);
  if (found == table.end() || found->second.window_end <= now || found->second.count < max_failures_) {
    return std::nullopt;
  }
  return std::chrono::ceil<std::chrono::seconds>(found->second.window_end - now);
}

void LoginThrottle::count(Table& table, const Sha256& key, Time now) {
  if (table.size() >= capacity_ && table.count(key) == 0) make_room(table, now);
  Failures& failures = table.try_emplace(key, Failures{0, now + window_}).first->second;
  if (failures.window_end <= now) failures = {0, now + window_};
  ++failures.count;
}

// First whatever has ended; if nothing has, the entry that matters least.
void LoginThrottle::make_room(Table& table, Time now) const {
  if (std::erase_if(table, [&](const auto& entry) { return entry.second.window_end <= now; }) != 0) return;
  table.erase(std::min_element(table.begin(), table.end(), [](const auto& left, const auto& right) {
    return left.second.count < right.second.count;
  }));
}

void LoginThrottle::take_back(Table& table, const Sha256& key) {
  const auto found = table.find(key);
  if (found != table.end() && --found->second.count == 0) table.erase(found);
}

}  // namespace audit::httpd
