// Elements of a list, and how small the JSON of a text may be.
#include "json_list.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace audit {
namespace {

std::vector<std::string> elements_of(std::string_view text) {
  std::vector<std::string> elements;
  JsonList list(text);
  std::string_view element;
  while (list.next(element)) elements.emplace_back(element);
  return elements;
}

using Elements = std::vector<std::string>;

TEST(JsonList, WhatIsAList) {
  for (const char* text : {"[", " \t\r\n[1]", "[]"}) EXPECT_TRUE(JsonList(text).is_list()) << text;
  for (const char* text : {"", " ", "{}", "\"[\"", "5", "\xef\xbb\xbf[]"})
    EXPECT_FALSE(JsonList(text).is_list()) << text;
}

TEST(JsonList, Elements) {
  EXPECT_EQ(elements_of("[]"), Elements{});
  EXPECT_EQ(elements_of(" [ \n ] "), Elements{});
  EXPECT_EQ(elements_of("[1]"), Elements{"1"});
  EXPECT_EQ(elements_of("[1, 2 ,3] \n"), (Elements{"1", " 2 ", "3"}));
  EXPECT_EQ(elements_of(R"([{"a":[1,2]},[[],{}],"x,]\"y\\"])"),
            (Elements{R"({"a":[1,2]})", "[[],{}]", R"("x,]\"y\\")"}));
}

// Where a string ends: each text is one element, whatever brackets and commas its strings hold.
TEST(JsonList, StringsOfAList) {
  for (const char* element : {R"("")", R"(",")", R"("]")", R"("\"]")", R"("\\")", R"("\\\"],")", R"("\\\\")",
                              R"("a\\\\\"]")", R"({"\\":"]","\"":"[{"})", R"(["\\","\"",""])"}) {
    EXPECT_EQ(elements_of(std::string("[") + element + "]"), Elements{element});
    EXPECT_EQ(elements_of(std::string("[") + element + ",1]"), (Elements{element, "1"}));
  }
}

// The last is what cannot be parsed.
TEST(JsonList, BrokenLists) {
  for (const char* text : {"[", "[1", "[1,", "[\"", "[\"a\\", "[1]]", "[1]x", "[1}", "[1],", "[{]}", "[\"]"})
    EXPECT_EQ(elements_of(text).back(), text);
  EXPECT_EQ(elements_of("[1,]").back(), "");
  EXPECT_EQ(elements_of("[,1]").front(), "");
  EXPECT_EQ(elements_of("[{\"a\":1]}]").front(), "[{\"a\":1]}]");
}

TEST(JsonList, LeastSize) {
  EXPECT_EQ(json_size_at_least(""), 0u);
  EXPECT_EQ(json_size_at_least(" [ 1 ,\n2 ] "), 5u);
  EXPECT_EQ(json_size_at_least("[1.000e+0,-1.0e-5]"), 6u);
  EXPECT_EQ(json_size_at_least(R"("a b")"), 5u);
  EXPECT_EQ(json_size_at_least(R"("\u0041\n\\x")"), 6u);
  EXPECT_EQ(json_size_at_least(R"({"a":true,"b":[null]})"), 21u);
  for (const char* text : {"\"", "\"\\", "\"\\u", "\"\\u00", "\"a\\u0041"})
    EXPECT_LE(json_size_at_least(text), std::string(text).size());
}

}  // namespace
}  // namespace audit
