// What a text may do to the line of the log that it is in: nothing.
#include "watch/log.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

std::string escaped(std::string_view text) {
  std::string line = "before ";
  append_escaped(line, text);
  return line.substr(7);
}

TEST(LogTest, PlainTextGoesThrough) { EXPECT_EQ(escaped("a b=c {} %s \u00e4\u20ac"), "a b=c {} %s \u00e4\u20ac"); }

TEST(LogTest, ControlCharactersQuotesAndBackslashes) {
  EXPECT_EQ(escaped("a\nb\r\t\x7f"), R"(a\u000ab\u000d\u0009\u007f)");
  EXPECT_EQ(escaped(R"("\)"), R"(\"\\)");
  EXPECT_EQ(escaped(std::string_view("\0", 1)), R"(\u0000)");
  EXPECT_EQ(escaped("\x1b[31m"), R"(\u001b[31m)");
}

TEST(LogTest, WhatIsNotUtf8) {
  EXPECT_EQ(escaped("a\xff"), "a\xEF\xBF\xBD");
  EXPECT_EQ(escaped("\xe2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace audit::httpd
