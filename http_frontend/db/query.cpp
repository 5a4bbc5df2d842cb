#include "db/query.hpp"

#include <stdexcept>

namespace audit::httpd {
namespace {

// Network byte order, by arithmetic so that the machine's own does not matter.
template <std::size_t Size>
std::array<char, Size> big_endian(std::uint64_t value) {
  std::array<char, Size> bytes;
  for (std::size_t i = 0; i < Size; ++i) bytes[i] = static_cast<char>(value >> (8 * (Size - 1 - i)));
  return bytes;
}

}  // namespace

Parameters& Parameters::add(std::string_view bytes, bool is_null) {
  if (count_ == max_count) throw std::logic_error("too many parameters of a statement");
  values_[count_++] = {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(bytes.size()), is_null};
  bytes_.append(bytes);
  return *this;
}

Parameters& Parameters::add_view(std::string_view bytes) {
  add({}, false);
  values_[count_ - 1].size = static_cast<std::uint32_t>(bytes.size());
  values_[count_ - 1].foreign = bytes.data();
  return *this;
}

Parameters& Parameters::add_bool(bool value) {
  return add(value ? std::string_view("\1", 1) : std::string_view("\0", 1), false);
}

Parameters& Parameters::add_null() { return add({}, true); }

Parameters& Parameters::add_bytes(std::string_view bytes) { return add(bytes, false); }

Parameters& Parameters::add_int32(std::int32_t value) {
  const auto bytes = big_endian<4>(static_cast<std::uint32_t>(value));
  return add({bytes.data(), bytes.size()}, false);
}

Parameters& Parameters::add_int64(std::int64_t value) {
  const auto bytes = big_endian<8>(static_cast<std::uint64_t>(value));
  return add({bytes.data(), bytes.size()}, false);
}

// Family, length of the prefix, whether it is a cidr, size, and the address. 2 and 3 are the server's own numbers.
Parameters& Parameters::add_inet(const InetNetwork& network) {
  const bool is_ipv6 = network.address_size == 16;
  const std::array<std::uint8_t, 4> head{static_cast<std::uint8_t>(is_ipv6 ? 3 : 2), network.prefix_length, 0,
                                         network.address_size};
  std::string bytes(head.begin(), head.end());
  bytes.append(network.address.begin(), network.address.begin() + network.address_size);
  return add(bytes, false);
}

Parameters& Parameters::add_optional(const std::optional<std::string_view>& bytes) {
  return bytes ? add_bytes(*bytes) : add_null();
}

Parameters& Parameters::add_optional(const std::optional<std::int64_t>& value) {
  return value ? add_int64(*value) : add_null();
}

}  // namespace audit::httpd
