#include "auth/principal_cache.hpp"

#include <algorithm>
#include <utility>

namespace audit::httpd {

PrincipalPtr PrincipalCache::find(const Sha256& credential, Time now) {
  const auto found = by_credential_.find(credential);
  if (found == by_credential_.end()) {
    ++misses_;
    return nullptr;
  }
  const auto entry = found->second;
  if (entry->expires_at <= now) {
    ++misses_;
    entries_.erase(entry);
    by_credential_.erase(found);
    return nullptr;
  }
  ++hits_;
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->principal;
}

void PrincipalCache::remember(const Sha256& credential, PrincipalPtr principal, std::uint64_t generation, Time now,
                              Time expires_at) {
  if (generation != generation_ || lifetime_.count() == 0 || capacity_ == 0) return;
  if (by_credential_.count(credential) != 0) return;  // two requests asked at once
  if (entries_.size() == capacity_) {
    by_credential_.erase(entries_.back().credential);
    entries_.pop_back();
  }
  entries_.push_front({credential, std::move(principal), std::min(expires_at, now + lifetime_)});
  by_credential_[credential] = entries_.begin();
}

void PrincipalCache::forget_all() {
  ++generation_;
  entries_.clear();
  by_credential_.clear();
}

void PrincipalCache::set_lifetime(std::chrono::milliseconds lifetime) {
  lifetime_ = lifetime;
  forget_all();
}

}  // namespace audit::httpd
