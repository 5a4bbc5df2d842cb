// The form of the password grant.
#include "endpoints/password_grant.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

constexpr std::string_view form = "application/x-www-form-urlencoded";

std::string error(std::string_view body, std::string_view content_type = form) {
  const auto parsed = parse_password_grant(content_type, body);
  const auto* wrong = std::get_if<GrantProblem>(&parsed);
  return wrong == nullptr ? "" : std::string(wrong->error);
}

TEST(PasswordGrant, Good) {
  const auto parsed =
      parse_password_grant("Application/X-WWW-form-urlencoded ; charset=utf-8",
                           "grant_type=password&username=a%40b+c&password=%C3%A9%26&scope=audit:read&x=y");
  const auto& grant = std::get<PasswordGrant>(parsed);
  EXPECT_EQ(grant.username, "a@b c");
  EXPECT_EQ(grant.password, "\xC3\xA9&");
  EXPECT_EQ(grant.scopes->text(), "audit:read");
  EXPECT_EQ(error("username=a&password=b&scope="), "");
}

TEST(PasswordGrant, Wrong) {
  EXPECT_EQ(error("username=a&password=b", "application/json"), "invalid_request");
  EXPECT_EQ(error("username=a&password=b", ""), "invalid_request");
  EXPECT_EQ(error(""), "invalid_request");
  EXPECT_EQ(error("username=a"), "invalid_request");
  EXPECT_EQ(error("username=&password=b"), "invalid_request");
  EXPECT_EQ(error("username=a&password=b&password=c"), "invalid_request");
  EXPECT_EQ(error("username=a%00&password=b"), "invalid_request");
  EXPECT_EQ(error("username=a&password=%ff"), "invalid_request");
  EXPECT_EQ(error("grant_type=client_credentials&username=a&password=b"), "unsupported_grant_type");
  EXPECT_EQ(error("username=a&password=b&scope=audit:read+admin"), "invalid_scope");
}

}  // namespace
}  // namespace audit::httpd
