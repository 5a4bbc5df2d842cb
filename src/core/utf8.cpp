// UTF-8 validation after table 3-7 of the Unicode standard: the second byte's range depends on the first.
#include "utf8.hpp"

#include <cstddef>

namespace audit {
namespace {

struct Sequence {
  std::size_t size;  // 0: no such lead byte
  unsigned char second_min, second_max;
};

constexpr Sequence sequence_of(unsigned char lead) noexcept {
  if (lead >= 0x01 && lead <= 0x7f) return {1, 0, 0};
  if (lead >= 0xc2 && lead <= 0xdf) return {2, 0x80, 0xbf};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {3, 0x80, 0xbf};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {4, 0x80, 0xbf};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

bool is_sequence(const unsigned char* bytes, const Sequence& sequence) noexcept {
  if (sequence.size > 1 && (bytes[1] < sequence.second_min || bytes[1] > sequence.second_max)) return false;
  for (std::size_t i = 2; i < sequence.size; i++)
    if ((bytes[i] & 0xc0) != 0x80) return false;
  return true;
}

}  // namespace

bool is_valid_utf8(std::string_view text) noexcept {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    const Sequence sequence = sequence_of(bytes[i]);
    if (sequence.size == 0 || sequence.size > text.size() - i || !is_sequence(bytes + i, sequence)) return false;
    i += sequence.size;
  }
  return true;
}

}  // namespace audit
