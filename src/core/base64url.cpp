// Bits are shifted through a small accumulator, six at a time.
#include "base64url.hpp"

#include <array>

namespace audit {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t not_in_alphabet = 64;

constexpr std::array<std::uint8_t, 256> make_digits() noexcept {
  std::array<std::uint8_t, 256> digits{};
  for (auto& digit : digits) digit = not_in_alphabet;
  for (std::size_t i = 0; i < alphabet.size(); i++)
    digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return digits;
}

constexpr auto digits = make_digits();

}  // namespace

void base64url_encode(const std::uint8_t* bytes, std::size_t byte_count, char* out) noexcept {
  std::uint32_t pending = 0;
  int pending_bits = 0;
  for (std::size_t i = 0; i < byte_count; i++) {
    pending = (pending << 8 | bytes[i]) & 0xffff;
    for (pending_bits += 8; pending_bits >= 6;) *out++ = alphabet[pending >> (pending_bits -= 6) & 63];
  }
  if (pending_bits > 0) *out = alphabet[pending << (6 - pending_bits) & 63];
}

bool base64url_decode(std::string_view text, std::uint8_t* out, std::size_t byte_count) noexcept {
  if (text.size() != base64url_size(byte_count)) return false;
  std::uint32_t pending = 0;
  int pending_bits = 0;
  for (const char c : text) {
    const std::uint8_t digit = digits[static_cast<unsigned char>(c)];
    if (digit == not_in_alphabet) return false;
    pending = (pending << 6 | digit) & 0xffff;
    pending_bits += 6;
    if (pending_bits >= 8) *out++ = static_cast<std::uint8_t>(pending >> (pending_bits -= 8));
  }
  return (pending & ((1u << pending_bits) - 1)) == 0;
}

}  // namespace audit
