// Remembers whom a credential belongs to, so that not every request asks the database.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "auth/principal.hpp"
#include "auth/sha256.hpp"

namespace audit::httpd {

// The key is a hash, so no credential stays in memory. Bounded: the least recently used entry makes room.
class PrincipalCache {
 public:
  using Time = std::chrono::steady_clock::time_point;

  PrincipalCache(std::size_t capacity, std::chrono::milliseconds lifetime) : capacity_(capacity), lifetime_(lifetime) {}

  // Null: not known, or not any more.
  PrincipalPtr find(const Sha256& credential, Time now);

  // Changes whenever remembered answers may have become wrong. Take it before asking the database: an answer that was
  // on its way during a change must not be remembered.
  std::uint64_t generation() const { return generation_; }
  // Does nothing when `generation` is not the present one. `expires_at`: when the credential itself ends.
  void remember(const Sha256& credential, PrincipalPtr principal, std::uint64_t generation, Time now, Time expires_at);

  struct Use {
    std::size_t entries = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  Use use() const { return {entries_.size(), hits_, misses_}; }

  void forget_all();
  // Zero: remember nothing.
  void set_lifetime(std::chrono::milliseconds lifetime);

 private:
  struct Entry {
    Sha256 credential;
    PrincipalPtr principal;
    Time expires_at;
  };

  std::size_t capacity_;
  std::chrono::milliseconds lifetime_;
  std::uint64_t generation_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<Sha256, std::list<Entry>::iterator, Sha256Hash> by_credential_;
};

}  // namespace audit::httpd
