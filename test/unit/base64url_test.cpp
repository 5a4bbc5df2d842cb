// base64url: bad input first, then every length both ways.
#include "base64url.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace audit {
namespace {

bool decodes(std::string_view text, std::size_t byte_count) {
  std::vector<std::uint8_t> bytes(byte_count);
  return base64url_decode(text, bytes.data(), byte_count);
}

TEST(Base64url, RefusesWhatItWouldNotWrite) {
  EXPECT_TRUE(decodes("AA", 1));
  EXPECT_FALSE(decodes("", 1));
  EXPECT_FALSE(decodes("A", 1));
  EXPECT_FALSE(decodes("AAA", 1));   // a byte too many
  EXPECT_FALSE(decodes("AA==", 1));  // padding
  EXPECT_FALSE(decodes("A+", 1));    // the alphabet of section 4
  EXPECT_FALSE(decodes("A/", 1));
  EXPECT_FALSE(decodes("A ", 1));
  EXPECT_FALSE(decodes("A\xc3", 1));
  EXPECT_FALSE(decodes(std::string_view("A\0", 2), 1));
  EXPECT_FALSE(decodes("AB", 1));  // unused bits set
  EXPECT_FALSE(decodes("AAB", 2));
}

TEST(Base64url, WritesTheVectorsOfRfc4648WithoutPadding) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    std::string out(base64url_size(bytes.size()), '?');
    base64url_encode(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), out.data());
    EXPECT_EQ(out, text);
  }
}

TEST(Base64url, ReadsBackEverythingItWrites) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 200; size++) {
    std::vector<std::uint8_t> bytes(size), read(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    std::string text(base64url_size(size), '?');
    base64url_encode(bytes.data(), size, text.data());
    ASSERT_TRUE(base64url_decode(text, read.data(), size)) << text;
    EXPECT_EQ(read, bytes);
  }
}

}  // namespace
}  // namespace audit
