// Answers to failed queries: JSON, and no word of what the database said.
#include "db/query_problem.hpp"

#include <gtest/gtest.h>

#include "base/json_value.hpp"

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

TEST(QueryProblem, ByWhatFailed) {
  const Request request;
  const std::pair<QueryFailure, int> cases[] = {{sql_error("22023", "cursor_mismatch"), 422},
                                                {sql_error("22023", "cursor_invalid"), 422},
                                                {sql_error("22023", "filter_invalid"), 422},
                                                {sql_error("54000", "filter_rows_max"), 422},
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

}  // namespace
}  // namespace audit::httpd
