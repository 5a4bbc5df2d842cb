// Most text needs no escape, so it is looked at and copied eight bytes at a time.
#include "json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace audit {
namespace {

constexpr std::size_t longest_escape = 6;  // \u001f
constexpr std::size_t exact_above = 4096;

// 0: as it is; 'u': \u00XX; anything else: the letter behind the backslash.
constexpr std::array<char, 256> make_escapes() noexcept {
  std::array<char, 256> escapes{};
  for (std::size_t i = 0; i < 0x20; i++) escapes[i] = 'u';
  escapes['\b'] = 'b';
  escapes['\t'] = 't';
  escapes['\n'] = 'n';
  escapes['\f'] = 'f';
  escapes['\r'] = 'r';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}

constexpr auto escapes = make_escapes();

char escape_of(char c) noexcept { return escapes[static_cast<unsigned char>(c)]; }

// Non-zero if and only if one of the eight bytes needs an escape: below 0x20, a quote or a backslash. After "Bit
// Twiddling Hacks" by Sean Eron Anderson ("Determine if a word has a byte less than n", "... equal to n"; public
// domain).
std::uint64_t bytes_to_escape(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101, high_bits = ones << 7;
  const std::uint64_t quote = bytes ^ ones * '"', backslash = bytes ^ ones * '\\';
  return ((bytes - ones * 0x20) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & ~bytes & high_bits;
}

char* write_escape(char* out, char c) noexcept {
  *out++ = '\\';
  *out++ = escape_of(c);
  if (escape_of(c) != 'u') return out;
  constexpr std::string_view hex = "0123456789abcdef";
  out = write_bytes(out, "00");
  *out++ = hex[static_cast<unsigned char>(c) >> 4];
  *out++ = hex[static_cast<unsigned char>(c) & 15];
  return out;
}

char* write_char(char* out, char c) noexcept {
  if (escape_of(c) != 0) return write_escape(out, c);
  *out = c;
  return out + 1;
}

}  // namespace

std::size_t json_string_bound(std::string_view text) noexcept {
  if (text.size() <= exact_above) return 2 + longest_escape * text.size();
  std::size_t size = 2 + text.size();
  for (const char c : text)
    if (escape_of(c) != 0) size += escape_of(c) == 'u' ? longest_escape - 1 : 1;
  return size;
}

char* write_json_string(char* out, std::string_view text) noexcept {
  *out++ = '"';
  const char* const end = text.data() + text.size();
  const char* at = text.data();
  while (end - at >= 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, at, sizeof(bytes));
    if (bytes_to_escape(bytes) == 0) {
      std::memcpy(out, &bytes, sizeof(bytes));
      at += 8, out += 8;
    } else {
      for (const char* const block_end = at + 8; at < block_end; at++) out = write_char(out, *at);
    }
  }
  for (; at < end; at++) out = write_char(out, *at);
  *out++ = '"';
  return out;
}

char* write_json_integer(char* out, std::int64_t value) noexcept {
  return std::to_chars(out, out + json_integer_size, value).ptr;
}

char* write_json_number(char* out, double value) noexcept {
  if (!std::isfinite(value)) return write_bytes(out, "null");
  return std::to_chars(out, out + json_number_size, value).ptr;
}

}  // namespace audit
