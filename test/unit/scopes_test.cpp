// Scopes: reading them, and what a narrower token may do.
#include "auth/scopes.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

TEST(Scopes, Parsing) {
  EXPECT_EQ(Scopes::parse_known("openid audit:read  email").text(), "audit:read");
  EXPECT_EQ(Scopes::parse_known("audit:read:self audit:read").text(), "audit:read audit:read:self");
  EXPECT_TRUE(Scopes::parse_known("AUDIT:READ audit:rea audit:read:").are_none());
  EXPECT_FALSE(Scopes::parse_strictly("audit:read openid"));
  EXPECT_TRUE(Scopes::parse_strictly(" audit:read ")->read);
}

TEST(Scopes, NeverWiderThanEitherSide) {
  const Scopes all{true, false};
  const Scopes own{false, true};
  EXPECT_EQ(all.narrowed_to(own).text(), "audit:read:self");
  EXPECT_EQ(own.narrowed_to(all).text(), "");
  EXPECT_EQ(all.narrowed_to(all).text(), "audit:read");
  EXPECT_EQ(own.narrowed_to({}).text(), "");
  const Scopes writing{false, false, true};
  EXPECT_EQ(writing.narrowed_to(writing).text(), "audit:write");
  EXPECT_TRUE(all.narrowed_to(writing).are_none());
  EXPECT_TRUE(writing.narrowed_to(all).are_none());
}

}  // namespace
}  // namespace audit::httpd
