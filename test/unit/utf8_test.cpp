// UTF-8: the borders of every row of the Unicode standard's table 3-7, and all code points.
#include "utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace audit {
namespace {

std::string encoded(unsigned code_point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code_point >> shift & 0x3f)); };
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  if (code_point < 0x800) return {static_cast<char>(0xc0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {static_cast<char>(0xe0 | code_point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, RefusesWhatIsNotWellFormed) {
  const std::string malformed[] = {std::string("\0", 1),
                                   "\x80",
                                   "\xbf",
                                   "\xc0\x80",
                                   "\xc1\xbf",
                                   "\xc3",
                                   "\xc3(",
                                   "\xe0\x80\x80",
                                   "\xe0\x9f\xbf",
                                   "\xe2\x82",
                                   "\xe2\x28\xa1",
                                   "\xed\xa0\x80",
                                   "\xed\xbf\xbf",
                                   "\xf0\x80\x80\x80",
                                   "\xf0\x8f\xbf\xbf",
                                   "\xf0\x9f\x98",
                                   "\xf4\x90\x80\x80",
                                   "\xf5\x80\x80\x80",
                                   "\xff",
                                   "\xfe",
                                   "ok\xff",
                                   std::string("a\0b", 3)};
  for (const auto& text : malformed) EXPECT_FALSE(is_valid_utf8(text)) << text;
}

TEST(Utf8, TakesEveryCodePointButZeroAndSurrogates) {
  EXPECT_TRUE(is_valid_utf8(""));
  for (unsigned code_point = 1; code_point < 0x110000; code_point++) {
    const bool is_surrogate = code_point >= 0xd800 && code_point < 0xe000;
    ASSERT_EQ(is_valid_utf8(encoded(code_point)), !is_surrogate) << code_point;
  }
  EXPECT_FALSE(is_valid_utf8(encoded(0x110000)));
}

}  // namespace
}  // namespace audit
