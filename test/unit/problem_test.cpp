// Error bodies: JSON whatever the input, and no word of what the database said.
#include "http/problem.hpp"

#include <gtest/gtest.h>

#include "base/json_value.hpp"

namespace audit::httpd {
namespace {

TEST(Problem, ValidationEntriesHaveThreeMembers) {
  const Response response = validation_problem({{"query", "a\"b", "wrong", "some_type"}});
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.body.bytes(), R"({"detail":[{"loc":["query","a\"b"],"msg":"wrong","type":"some_type"}]})");
}

TEST(Problem, NamesThatAreNotUnicodeStillGiveJson) {
  for (const std::string& name : {std::string("\xFF"), std::string("a\0b", 3), std::string("\xED\xA0\x80")}) {
    const Response response = validation_problem({{"query", name, "m", "t"}});
    EXPECT_TRUE(parse_json_object(response.body.bytes())) << response.body.bytes();
  }
}

TEST(Problem, OAuthErrors) {
  const Response response = oauth_problem(400, "invalid_grant", "no");
  EXPECT_EQ(response.body.bytes(), R"({"error":"invalid_grant","error_description":"no","detail":"no"})");
}

}  // namespace
}  // namespace audit::httpd
