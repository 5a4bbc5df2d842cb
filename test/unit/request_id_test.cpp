// Ids of requests: which of a caller's are taken, and our own.
#include "http/request_id.hpp"

#include <gtest/gtest.h>

namespace audit::httpd {
namespace {

TEST(RequestId, OfACaller) {
  EXPECT_TRUE(is_sane_request_id("8e03978e-40d5-43dd-bc93-6894a57f9324"));
  EXPECT_TRUE(is_sane_request_id("Root=1-67891233:abc/def+g@h._"));
  EXPECT_TRUE(is_sane_request_id(std::string(128, 'x')));
  EXPECT_FALSE(is_sane_request_id(std::string(129, 'x')));
  for (const char* id : {"", " ", "a b", "a\nb", "a\"b", "a;b", "a,b", "\xc3\xbc", "%0a", "{}"})
    EXPECT_FALSE(is_sane_request_id(id)) << id;
}

TEST(RequestId, OurOwnAreSaneAndDiffer) {
  RequestIds ids, others;
  const std::string first = ids.make();
  EXPECT_EQ(first.size(), 32U);
  EXPECT_TRUE(is_sane_request_id(first));
  EXPECT_NE(first, ids.make());
  EXPECT_NE(first, others.make());
}

}  // namespace
}  // namespace audit::httpd
