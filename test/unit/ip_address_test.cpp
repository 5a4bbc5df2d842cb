// Addresses, the groups that limits count, and networks.
#include "base/ip_address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace audit::httpd {
namespace {

std::string text_of(const std::string& text) {
  const std::optional<IpAddress> address = IpAddress::parse(text);
  return address ? address->text() : "none";
}

TEST(IpAddressTest, RefusesWhatIsNone) {
  for (const char* text : {"", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1.2.3.4:80", "::1%lo",
                           "[::1]", ":::", "12345::", "localhost", "unknown", "-1.2.3.4", "0x7f.0.0.1"}) {
    EXPECT_EQ(text_of(text), "none") << text;
  }
  EXPECT_EQ(text_of(std::string("1.2.3.4\0x", 9)), "none");
}

TEST(IpAddressTest, HasOneTextForOneAddress) {
  EXPECT_EQ(text_of("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(text_of("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(text_of("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
}

TEST(IpAddressTest, ComesFromSockets) {
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_addr.s_addr = htonl(0xC0000201);
  EXPECT_EQ(IpAddress::from(reinterpret_cast<const sockaddr*>(&ipv4)), IpAddress::parse("192.0.2.1"));
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_addr = in6addr_loopback;
  EXPECT_EQ(IpAddress::from(reinterpret_cast<const sockaddr*>(&ipv6)), IpAddress::parse("::1"));
  const sockaddr local{AF_UNIX, {}};
  EXPECT_FALSE(IpAddress::from(&local));
  EXPECT_FALSE(IpAddress::from(nullptr));
}

TEST(IpAddressTest, LimitsCountNetworksOfIpv6) {
  const auto group = [](const char* text) { return IpAddress::parse(text)->limit_group(); };
  EXPECT_EQ(group("2001:db8:1:2:3:4:5:6"), group("2001:db8:1:2::"));
  EXPECT_NE(group("2001:db8:1:2::"), group("2001:db8:1:3::"));
  EXPECT_NE(group("192.0.2.1"), group("192.0.2.2"));
}

TEST(IpNetworkTest, RefusesWhatIsNone) {
  for (const char* text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/8/8",
                           "::/129", "10/8", "10.0.0.0/ 8"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

TEST(IpNetworkTest, Contains) {
  const auto contains = [](const char* network, const char* address) {
    return IpNetwork::parse(network)->contains(*IpAddress::parse(address));
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.129"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("192.0.2.1", "::ffff:192.0.2.1"));
  EXPECT_FALSE(contains("192.0.2.1", "192.0.2.0"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.7"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

}  // namespace
}  // namespace audit::httpd
