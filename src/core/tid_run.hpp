// Runs of row addresses in GIN's compressed form. A run has its first address, then the difference of each address from
// the one before. A difference has seven bits a byte, least significant first. A set high bit means that another byte
// follows.
//
// Most differences have one or two bytes, in an order that no branch predictor can learn. So decoding is branch-free,
// byte by byte: a partial sum is stored like a complete one. It is smaller than the final value and is overwritten by
// it.
#pragma once

#include <cstdint>
#include <cstring>

#include "core_only.hpp"
#include "posting_intersection.hpp"

namespace audit {

struct TidRun {
  Tid first;
  const unsigned char* bytes;
  int byte_count;
};

class TidRunReader {
 public:
  explicit TidRunReader(const TidRun& run) noexcept
      : at_(run.bytes), end_(run.bytes + run.byte_count), tid_(run.first) {}

  int bytes_left() const noexcept { return static_cast<int>(end_ - at_); }
  // An address of the run, if is_whole().
  Tid tid() const noexcept { return tid_; }
  bool is_whole() const noexcept { return shift_ == 0; }

  // REQUIRES: bytes_left() > 0.
  void read_byte() noexcept {
    const std::uint32_t byte = *at_++, is_followed = byte >> 7;
    // A sound run shifts by at most 42 bits. A damaged run must do no harm.
    tid_ += static_cast<Tid>(byte & 0x7f) << (shift_ & 63);
    shift_ = (shift_ + 7) & (0 - is_followed);
  }

 private:
  const unsigned char* at_;
  const unsigned char* end_;
  Tid tid_;
  std::uint32_t shift_ = 0;
};

// Decodes the addresses up to `target`: all at or below it, perhaps more. Returns how many. `is_complete`: whether that
// is the whole run. REQUIRES: room for one more address than the run has bytes.
inline int decode_tids(const TidRun& run, Tid target, Tid* tids, bool& is_complete) noexcept {
  TidRunReader reader(run);
  int count = 1;
  tids[0] = run.first;
  const auto decode_byte = [&] {
    reader.read_byte();
    tids[count] = reader.tid();  // overwritten by the next if it is not whole
    count += reader.is_whole();
  };
  constexpr int at_a_time = 8;
  while (reader.bytes_left() >= at_a_time && reader.tid() < target)
    for (int i = 0; i < at_a_time; i++) decode_byte();
  while (reader.bytes_left() > 0 && reader.tid() < target) decode_byte();
  is_complete = reader.bytes_left() == 0;
  return count;
}

// How many of the bytes are the last of their difference.
inline int count_last_bytes(const unsigned char* bytes, int byte_count) noexcept {
  constexpr std::uint64_t lowest_bits = 0x0101010101010101;
  int count = 0, position = 0;
  for (std::uint64_t word = 0; byte_count - position >= 8; position += 8) {
    std::memcpy(&word, bytes + position, sizeof(word));
    count += static_cast<int>((~word >> 7 & lowest_bits) * lowest_bits >> 56);
  }
  for (; position < byte_count; position++) count += bytes[position] < 0x80;
  return count;
}

// Keeps those of `tids` that the run has, and returns how many. `below`: the run's greatest address at or below
// tids[0]. `tids_read`: how far the run was read. REQUIRES: `tids` are ascending, at least one, none below run.first.
inline int retain_tids(const TidRun& run, Tid* tids, int count, Tid& below, int& tids_read) noexcept {
  TidRunReader reader(run);
  below = run.first;
  while (reader.tid() < tids[0] && reader.bytes_left() > 0) {
    reader.read_byte();
    if (reader.is_whole() && reader.tid() <= tids[0]) below = reader.tid();
  }
  int kept = 0;
  for (int i = 0; i < count; i++) {
    const Tid wanted = tids[i];
    while (reader.tid() < wanted && reader.bytes_left() > 0) reader.read_byte();
    tids[kept] = wanted;
    kept += reader.tid() == wanted && reader.is_whole();
  }
  tids_read = 1 + count_last_bytes(run.bytes, run.byte_count - reader.bytes_left());
  return kept;
}

}  // namespace audit
