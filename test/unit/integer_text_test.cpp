// Integers as pydantic's lax mode reads them; the cases were tried with pydantic-core.
#include "base/integer_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace audit::httpd {
namespace {

TEST(IntegerText, Accepted) {
  const std::pair<const char*, std::int64_t> cases[] = {{"0", 0},
                                                        {"01", 1},
                                                        {"0_1", 1},
                                                        {"+5", 5},
                                                        {"-5", -5},
                                                        {"-0", 0},
                                                        {" 5 ", 5},
                                                        {"\t5\r\n", 5},
                                                        {"1.0", 1},
                                                        {"1.00", 1},
                                                        {"-1.0", -1},
                                                        {"1_000", 1000},
                                                        {"0_0.0", 0},
                                                        {"-1_0", -10},
                                                        {"\xC2\xA0"
                                                         "5",
                                                         5},
                                                        {"\xE3\x80\x80"
                                                         "5\xE2\x80\xA8",
                                                         5},
                                                        {"9223372036854775807", INT64_MAX},
                                                        {"-9223372036854775808", INT64_MIN},
                                                        {"000000000000000000000000000007", 7}};
  for (const auto& [text, value] : cases) {
    const IntegerText parsed = parse_integer(text);
    EXPECT_EQ(parsed.status, IntegerStatus::ok) << text;
    EXPECT_EQ(parsed.value, value) << text;
  }
}

TEST(IntegerText, Malformed) {
  for (const char* text : {"",
                           " ",
                           "+",
                           "-",
                           "+-5",
                           "++5",
                           "+ 5",
                           "1.",
                           "000.",
                           ".0",
                           "-.0",
                           "1.5",
                           "1e2",
                           "0x1",
                           "_1",
                           "1_",
                           "1__0",
                           "-_5",
                           "+_1",
                           "1_.0",
                           "1._0",
                           "1.0_",
                           "0_.0",
                           "true",
                           "5 5",
                           "\xD9\xA1",
                           "\xFF",
                           "\x1f"
                           "5",
                           "\xE2\x80\x8B"
                           "1",
                           "\xEF\xBB\xBF"
                           "1",
                           "1.0.0"}) {
    EXPECT_EQ(parse_integer(text).status, IntegerStatus::malformed) << text;
  }
  EXPECT_EQ(parse_integer(std::string_view("1\0", 2)).status, IntegerStatus::malformed);
}

TEST(IntegerText, BeyondSixtyFourBits) {
  EXPECT_EQ(parse_integer("9223372036854775808").status, IntegerStatus::too_large);
  EXPECT_EQ(parse_integer("-9223372036854775809").status, IntegerStatus::too_small);
  EXPECT_EQ(parse_integer(std::string(5000, '9')).status, IntegerStatus::too_large);
}

}  // namespace
}  // namespace audit::httpd
