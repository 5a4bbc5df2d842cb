// Memory for the bodies and the answers of requests: bounds for all of them together.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "base/ip_address.hpp"
#include "http/http_limits.hpp"

namespace audit::httpd {

class MemoryBudget {
 public:
  // REQUIRES: `limits` outlive this. They may change.
  explicit MemoryBudget(const HttpLimits& limits) : limits_(limits) {}

  // False: too much is held already.
  bool hold_body(std::size_t count);
  void release_body(std::size_t count) { body_bytes_ -= count; }

  // For an answer to a client of that group, until it is sent. False: too many large ones are under way, or one group
  // has more than its half; but who has none gets one.
  bool hold_answer(const IpAddress& group, std::size_t count);
  void release_answer(const IpAddress& group, std::size_t count);

 private:
  const HttpLimits& limits_;
  std::size_t body_bytes_ = 0;
  std::size_t answer_bytes_ = 0;
  std::unordered_map<IpAddress, std::size_t, IpAddressHash> answer_bytes_of_;  // by group; none is zero
};

// What one request holds of it, until it is over.
class HeldMemory {
 public:
  explicit HeldMemory(MemoryBudget& budget) : budget_(budget) {}
  ~HeldMemory();
  HeldMemory(const HeldMemory&) = delete;
  HeldMemory& operator=(const HeldMemory&) = delete;

  // More of it. False: as in MemoryBudget.
  bool hold_body(std::size_t count);
  bool hold_answer(const IpAddress& group, std::size_t count);
  void release_body();
  // Of the answer, all but `kept`.
  void shrink_answer(std::size_t kept);

 private:
  MemoryBudget& budget_;
  std::size_t body_bytes_ = 0;
  std::size_t answer_bytes_ = 0;
  IpAddress group_;  // that the answer is for
};

}  // namespace audit::httpd
