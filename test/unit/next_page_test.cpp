// The cursor at the end of a page.
#include "endpoints/next_page.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

TEST(NextCursor, IsReadFromTheEnd) {
  EXPECT_EQ(next_cursor_of(R"({"items":[],"next_cursor":"abc"})"), "abc");
  EXPECT_EQ(next_cursor_of(R"({"items":[{"a":"\"next_cursor\":\"x\""}],"next_cursor":"abc"})"), "abc");
  EXPECT_EQ(next_cursor_of(R"({"items":[{"event_payload":{"next_cursor":"x"}}],"next_cursor":null})"), "");
  EXPECT_EQ(next_cursor_of(R"({"other":"abc"})"), "");
  for (const char* text : {"", "}", "\"}", "\"\"}", "abc\"}"}) EXPECT_EQ(next_cursor_of(text), "") << text;
}

}  // namespace
}  // namespace audit::httpd
