#include "uuid_text.hpp"

namespace audit {
namespace {

int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// Whether a hyphen stands before that byte.
constexpr bool is_group_start(std::size_t byte) noexcept { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
  const bool has_hyphens = text.size() == uuid_text_size;
  if (!has_hyphens && text.size() != 32) return std::nullopt;
  Uuid id{};
  for (std::size_t i = 0; i < id.size(); i++) {
    if (has_hyphens && is_group_start(i)) {
      if (text.front() != '-') return std::nullopt;
      text.remove_prefix(1);
    }
    const int high = hex_value(text[0]), low = hex_value(text[1]);
    if (high < 0 || low < 0) return std::nullopt;
    id[i] = static_cast<std::uint8_t>(high << 4 | low);
    text.remove_prefix(2);
  }
  return id;
}

char* write_uuid(char* out, const std::uint8_t* id) noexcept {
  constexpr std::string_view hex = "0123456789abcdef";
  for (std::size_t i = 0; i < Uuid().size(); i++) {
    if (is_group_start(i)) *out++ = '-';
    *out++ = hex[id[i] >> 4];
    *out++ = hex[id[i] & 15];
  }
  return out;
}

}  // namespace audit
