// Error bodies: JSON whatever the input, and no word of what the database said.
#include "problem.hpp"

#include <gtest/gtest.h>

#include "json_value.hpp"

namespace audit::httpd {
namespace {

QueryFailure sql_error(const char* sqlstate, const char* constraint = "") {
  return {QueryFailure::Kind::sql_error, sqlstate, constraint, "secret SQL"};
}

std::string_view header(const Response& response, std::string_view name) {
  for (const Header& header : response.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

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

TEST(Problem, DatabaseErrors) {
  const Request request;
  const std::pair<QueryFailure, int> cases[] = {{sql_error("22023", "cursor_mismatch"), 422},
                                                {sql_error("22023", "cursor_invalid"), 422},
                                                {sql_error("42501"), 403},
                                                {sql_error("XX000"), 500},
                                                {sql_error("53100"), 503},
                                                {sql_error("40001"), 503},
                                                {{QueryFailure::Kind::away, {}, {}, "secret host"}, 503},
                                                {{QueryFailure::Kind::overloaded, {}, {}, "secret"}, 503},
                                                {{QueryFailure::Kind::timed_out, "57014", {}, "secret"}, 504}};
  for (const auto& [failure, status] : cases) {
    const Response response = query_problem(failure, request);
    EXPECT_EQ(response.status, status);
    EXPECT_TRUE(parse_json_object(response.body.bytes()));
    EXPECT_EQ(response.body.bytes().find("secret"), std::string_view::npos);
    EXPECT_EQ(header(response, "Retry-After").empty(), status != 503);
  }
}

TEST(Problem, OAuthErrors) {
  const Response response = oauth_problem(400, "invalid_grant", "no");
  EXPECT_EQ(response.body.bytes(), R"({"error":"invalid_grant","error_description":"no","detail":"no"})");
}

}  // namespace
}  // namespace audit::httpd
