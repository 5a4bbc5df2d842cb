#include "page_cursor.hpp"

#include <cstring>

#include "base64url.hpp"
#include "hash.hpp"

namespace audit {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::size_t created_at_offset = 1;
constexpr std::size_t id_offset = 9;
constexpr std::size_t fingerprint_offset = 25;
constexpr std::size_t checksum_offset = 33;
constexpr std::size_t byte_size = 37;
static_assert(base64url_size(byte_size) == cursor_size);

using Bytes = std::array<std::uint8_t, byte_size>;

template <typename Unsigned>
void put(Bytes& bytes, std::size_t offset, Unsigned value) noexcept {
  for (std::size_t i = sizeof(value); i-- > 0; value >>= 8) bytes[offset + i] = static_cast<std::uint8_t>(value);
}

template <typename Unsigned>
Unsigned get(const Bytes& bytes, std::size_t offset) noexcept {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(value); i++) value = static_cast<Unsigned>(value << 8 | bytes[offset + i]);
  return value;
}

bool read_bytes(std::string_view token, Bytes& bytes) noexcept {
  return base64url_decode(token, bytes.data(), byte_size) && bytes[0] == format_version &&
         get<std::uint32_t>(bytes, checksum_offset) == crc32c(bytes.data(), checksum_offset);
}

}  // namespace

void write_cursor(const EventKey& position, const EventFilters& filters, char* out) noexcept {
  Bytes bytes;
  bytes[0] = format_version;
  put(bytes, created_at_offset, static_cast<std::uint64_t>(position.created_at_us));
  std::memcpy(bytes.data() + id_offset, position.id.data(), position.id.size());
  put(bytes, fingerprint_offset, fingerprint(filters));
  put(bytes, checksum_offset, crc32c(bytes.data(), checksum_offset));
  base64url_encode(bytes.data(), byte_size, out);
}

CursorStatus read_cursor(std::string_view token, const EventFilters& filters, EventKey& position) noexcept {
  Bytes bytes;
  if (!read_bytes(token, bytes)) return CursorStatus::invalid;
  if (get<std::uint64_t>(bytes, fingerprint_offset) != fingerprint(filters)) return CursorStatus::mismatch;
  position.created_at_us = static_cast<std::int64_t>(get<std::uint64_t>(bytes, created_at_offset));
  std::memcpy(position.id.data(), bytes.data() + id_offset, position.id.size());
  return CursorStatus::ok;
}

bool is_well_formed_cursor(std::string_view token) noexcept {
  Bytes bytes;
  return read_bytes(token, bytes);
}

}  // namespace audit
