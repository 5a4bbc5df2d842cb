// Faults of bodies: which event and member they are in.
#include "json_faults.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace audit {

std::ostream& operator<<(std::ostream& out, JsonFaultKind kind) { return out << static_cast<int>(kind); }

namespace {

using Kind = JsonFaultKind;

void expect_fault(std::string_view text, Kind kind, std::size_t event, std::string_view member) {
  const JsonFault fault = find_json_fault(text, false);
  EXPECT_EQ(fault.kind, kind) << text;
  EXPECT_TRUE(fault.has_event) << text;
  EXPECT_EQ(fault.event, event) << text;
  EXPECT_EQ(fault.member, member) << text;
}

TEST(JsonFaults, NoneInWhatIsRight) {
  for (const char* text : {"[]", " [ ] ", "{}", R"({"a":1})",
                           R"([{"a":"\ud83d\ude00\"\\\/\b\f\n\r\t\u0001"},{"b":[{},[],null,true,false]}])",
                           "[-0, 0.5, 1e10, 1E+5, 1.5e-7]", "5", "\"x\"", "null", "\t{\"a\"\r:\n1 , \"b\" : 2}\n"})
    EXPECT_EQ(find_json_fault(text, false).kind, Kind::none) << text;
}

TEST(JsonFaults, Malformed) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "]",
                           "{}{}",
                           "[1,]",
                           "{,}",
                           "[1 2]",
                           R"({"a" 1})",
                           R"({"a":})",
                           R"({a:1})",
                           "{'a':1}",
                           "01",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "-",
                           "+1",
                           "NaN",
                           "tru",
                           "\"",
                           "\"\\",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\ud800\\u\"",
                           "\"tab\t\"",
                           "[\"\x01\"]",
                           "\xef\xbb\xbf{}",
                           R"({"a":1},)",
                           "nullx"})
    EXPECT_EQ(find_json_fault(text, false).kind, Kind::malformed) << text;
}

TEST(JsonFaults, WhichEventAndMember) {
  expect_fault(R"([{"a":"x"},{"b":1,"c":"x\u0000y"},{"d":1}])", Kind::nul, 1, "c");
  expect_fault(R"({"a":1,"b":{"c":[{"d":"\u0000"}]}})", Kind::nul, 0, "b");
  expect_fault(R"([[],{"b":{"\u0000":1}}])", Kind::nul, 1, "b");
  expect_fault(R"([{"a":1,"b\u0000":1}])", Kind::nul, 0, "");
  expect_fault(R"([{"a":1},"\ud800"])", Kind::surrogate, 1, "");
  expect_fault(R"({"a":"\ud800"})", Kind::surrogate, 0, "a");
  expect_fault(R"({"a":"\ud800\n"})", Kind::surrogate, 0, "a");
  expect_fault(R"({"a":"\ud800\ud800"})", Kind::surrogate, 0, "a");
  expect_fault(R"({"a":"\udc00\ud800"})", Kind::surrogate, 0, "a");
  expect_fault(R"({"a\"b":"\uDFFF"})", Kind::surrogate, 0, R"(a\"b)");
}

TEST(JsonFaults, OutsideOfEvents) {
  const JsonFault fault = find_json_fault(R"("\u0000")", false);
  EXPECT_EQ(fault.kind, Kind::nul);
  EXPECT_FALSE(fault.has_event);
}

TEST(JsonFaults, LongNumbers) {
  const std::string digits(1000, '7');
  for (const std::string& number :
       std::vector<std::string>{digits, "-" + digits, "1e999", "1.5e999", "1e-999", "0." + digits.substr(1)})
    EXPECT_EQ(find_json_fault("{\"a\":" + number + "}", false).kind, Kind::none) << number;
  for (const std::string& number :
       std::vector<std::string>{digits + "7", "1e1000", "1e131072", "1e-1000", "-1e99999999999999999999",
                                "1e-99999999999999999999", "0." + digits})
    expect_fault("[{\"a\":" + number + "}]", Kind::long_number, 0, "a");
}

TEST(JsonFaults, Depth) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(find_json_fault("{\"p\":" + nested(64) + "}", false).kind, Kind::none);
  expect_fault("{\"p\":" + nested(65) + "}", Kind::deep, 0, "p");
  EXPECT_EQ(find_json_fault("[{},{\"p\":" + nested(64) + "}]", false).kind, Kind::none);
  expect_fault("[{},{\"p\":" + nested(65) + "}]", Kind::deep, 1, "p");
  expect_fault(std::string(10'000'000, '['), Kind::deep, 0, "");
}

TEST(JsonFaults, Lines) {
  const JsonFault nul = find_json_fault("{\"a\":1}\n\n \r\n{\"b\":\"\\u0000\"}\n{", true);
  EXPECT_EQ(nul.kind, Kind::nul);
  EXPECT_EQ(nul.event, 1u);
  EXPECT_EQ(nul.member, "b");
  EXPECT_EQ(nul.line, 4u);
  const JsonFault broken = find_json_fault("{\"a\":1}\n{\"a\":\n1}", true);
  EXPECT_EQ(broken.kind, Kind::malformed);
  EXPECT_EQ(broken.line, 2u);
  EXPECT_EQ(find_json_fault("{\"a\":1}\r\n[{}]\n5\n", true).kind, Kind::none);
}

}  // namespace
}  // namespace audit
