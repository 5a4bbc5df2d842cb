#include "http/memory_budget.hpp"

#include <utility>

namespace audit::httpd {
namespace {

// Smaller ones are bounded by the number of connections.
constexpr std::size_t small_answer_bytes = 64 * 1024;

}  // namespace

bool MemoryBudget::hold_body(std::size_t count) {
  if (body_bytes_ + count > limits_.body_memory.bytes) return false;
  body_bytes_ += count;
  return true;
}

bool MemoryBudget::hold_answer(const IpAddress& group, std::size_t count) {
  const auto found = answer_bytes_of_.find(group);
  const std::size_t of_group = found == answer_bytes_of_.end() ? 0 : found->second;
  const bool has_share = of_group == 0 || of_group + count <= limits_.answer_memory.bytes / 2;
  if (!has_share || answer_bytes_ + count > limits_.answer_memory.bytes) return false;
  answer_bytes_ += count;
  answer_bytes_of_[group] += count;
  return true;
}

void MemoryBudget::release_answer(const IpAddress& group, std::size_t count) {
  answer_bytes_ -= count;
  const auto found = answer_bytes_of_.find(group);
  found->second -= count;
  if (found->second == 0) answer_bytes_of_.erase(found);
}

HeldMemory::~HeldMemory() {
  release_body();
  shrink_answer(0);
}

bool HeldMemory::hold_body(std::size_t count) {
  if (!budget_.hold_body(count)) return false;
  body_bytes_ += count;
  return true;
}

bool HeldMemory::hold_answer(const IpAddress& group, std::size_t count) {
  if (count <= small_answer_bytes) return true;
  if (!budget_.hold_answer(group, count)) return false;
  group_ = group;
  answer_bytes_ += count;
  return true;
}

void HeldMemory::release_body() { budget_.release_body(std::exchange(body_bytes_, 0)); }

void HeldMemory::shrink_answer(std::size_t kept) {
  if (answer_bytes_ <= kept) return;
  budget_.release_answer(group_, answer_bytes_ - kept);
  answer_bytes_ = kept;
}

}  // namespace audit::httpd
