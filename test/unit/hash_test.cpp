// The published check values of both hashes.
#include "hash.hpp"

#include <gtest/gtest.h>

namespace audit {
namespace {

std::uint32_t crc_of(std::string_view text) {
  return crc32c(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

std::uint64_t fnv_of(std::string_view text) {
  Fnv1a64 hash;
  for (const char c : text) hash.add_byte(static_cast<std::uint8_t>(c));
  return hash.value();
}

TEST(Hash, Crc32c) {
  EXPECT_EQ(crc_of(""), 0u);
  EXPECT_EQ(crc_of("123456789"), 0xe3069283u);
  EXPECT_EQ(crc_of(std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32)),
            0x8a9136aau);
}

TEST(Hash, Fnv1a64) {
  EXPECT_EQ(fnv_of(""), 0xcbf29ce484222325u);
  EXPECT_EQ(fnv_of("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(fnv_of("foobar"), 0x85944171f73967e8u);
}

}  // namespace
}  // namespace audit
