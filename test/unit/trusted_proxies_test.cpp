// Whose word on X-Forwarded-For counts.
#include "http/trusted_proxies.hpp"

#include <gtest/gtest.h>

#include <string>

namespace audit::httpd {
namespace {

std::string client_of(const std::string& peer, std::string_view forwarded_for) {
  const TrustedProxies proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8:ffff::/48 ,192.0.2.1").value();
  return proxies.client_of(*IpAddress::parse(peer), forwarded_for).text();
}

TEST(TrustedProxiesTest, RefusesOtherLists) {
  for (const char* list : {",", ",10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.0/40", "localhost", "*"}) {
    EXPECT_FALSE(TrustedProxies::parse(list)) << list;
  }
  EXPECT_TRUE(TrustedProxies::parse(""));
}

TEST(TrustedProxiesTest, StrangersAreNotBelieved) {
  EXPECT_EQ(client_of("203.0.113.9", "198.51.100.1"), "203.0.113.9");
  EXPECT_EQ(TrustedProxies().client_of(*IpAddress::parse("127.0.0.1"), "198.51.100.1").text(), "127.0.0.1");
}

TEST(TrustedProxiesTest, TheRightmostStrangerIsTheClient) {
  EXPECT_EQ(client_of("10.1.1.1", "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(client_of("10.1.1.1", "203.0.113.9, 198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(client_of("10.1.1.1", "203.0.113.9, 198.51.100.1, 10.2.2.2,192.0.2.1"), "198.51.100.1");
  EXPECT_EQ(client_of("2001:db8:ffff::1", "2001:db8::7"), "2001:db8::7");
}

TEST(TrustedProxiesTest, OfProxiesOnlyTheFirstIsTheClient) {
  EXPECT_EQ(client_of("10.1.1.1", ""), "10.1.1.1");
  EXPECT_EQ(client_of("10.1.1.1", "10.3.3.3, 10.2.2.2"), "10.3.3.3");
}

TEST(TrustedProxiesTest, NonsenseEndsTheWalk) {
  EXPECT_EQ(client_of("10.1.1.1", "198.51.100.1, unknown"), "10.1.1.1");
  EXPECT_EQ(client_of("10.1.1.1", "198.51.100.1, <script>, 10.2.2.2"), "10.2.2.2");
  EXPECT_EQ(client_of("10.1.1.1", "["), "10.1.1.1");
}

TEST(TrustedProxiesTest, EmptyEntriesAndPortsDoNotCount) {
  EXPECT_EQ(client_of("10.1.1.1", "198.51.100.1,, ,"), "198.51.100.1");
  EXPECT_EQ(client_of("10.1.1.1", "198.51.100.1:4711"), "198.51.100.1");
  EXPECT_EQ(client_of("10.1.1.1", "[2001:db8::7]:4711"), "2001:db8::7");
  EXPECT_EQ(client_of("10.1.1.1", "[2001:db8::7]"), "2001:db8::7");
}

}  // namespace
}  // namespace audit::httpd
