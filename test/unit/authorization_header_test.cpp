#include "auth/authorization_header.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

TEST(AuthorizationHeader, Bearer) {
  EXPECT_EQ(bearer_token("Bearer a.b.c"), "a.b.c");
  EXPECT_EQ(bearer_token("bEARER  \ta.b.c \t"), "a.b.c");
  EXPECT_EQ(bearer_token("Bearer"), "");
  EXPECT_EQ(bearer_token("Bearer "), "");
}

TEST(AuthorizationHeader, OtherSchemes) {
  for (const char* other : {"", " ", " Bearer a", "Basic YTpi", "Bearera.b.c", "Bearer\ta.b.c", "Beare r"}) {
    EXPECT_FALSE(bearer_token(other)) << other;
  }
}

}  // namespace
}  // namespace audit::httpd
