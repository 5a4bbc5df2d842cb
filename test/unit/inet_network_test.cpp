// Addresses and networks as text, and what a network contains.
#include "inet_network.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace audit {
namespace {

InetNetworkStatus status_of(std::string_view text) {
  InetNetwork network;
  return parse_inet_network(text, network);
}

InetNetwork network_named(std::string_view text) {
  InetNetwork network;
  EXPECT_EQ(parse_inet_network(text, network), InetNetworkStatus::ok) << text;
  return network;
}

TEST(InetNetwork, RefusesWhatIsNone) {
  const std::string_view none[] = {"",
                                   " ",
                                   "10.0.0.1 ",
                                   " 10.0.0.1",
                                   "10.0.0",
                                   "10/8",
                                   "10.0.0.0.0",
                                   "256.0.0.1",
                                   "010.0.0.1",
                                   "0x0a.0.0.1",
                                   "1.2.3.4:80",
                                   "[::1]",
                                   "::1%eth0",
                                   "fe80::1%1/64",
                                   ":",
                                   ":::",
                                   "1::2::3",
                                   "::12345",
                                   "::ffff:1.2.3",
                                   "localhost",
                                   "10.0.0.0/",
                                   "10.0.0.0/33",
                                   "10.0.0.0/-1",
                                   "10.0.0.0/+8",
                                   "10.0.0.0/08",
                                   "10.0.0.0/8/8",
                                   "10.0.0.0/ 8",
                                   "10.0.0.0/8 ",
                                   "::/129",
                                   "/8",
                                   "10.0.0.0/255.0.0.0"};
  for (const std::string_view text : none) EXPECT_EQ(status_of(text), InetNetworkStatus::malformed) << text;
  EXPECT_EQ(status_of(std::string_view("10.0.0.1\0", 9)), InetNetworkStatus::malformed);
  EXPECT_EQ(status_of(std::string(100'000, '1')), InetNetworkStatus::malformed);
  EXPECT_EQ(status_of("10.0.0.0/" + std::string(100'000, '9')), InetNetworkStatus::malformed);
}

TEST(InetNetwork, RefusesBitsBehindThePrefix) {
  for (const std::string_view text :
       {"10.0.0.1/8", "10.128.0.0/8", "0.0.0.1/0", "1.2.3.4/31x", "::1/127", "2001:db8::8000/112"})
    EXPECT_NE(status_of(text), InetNetworkStatus::ok) << text;
  EXPECT_EQ(status_of("10.0.0.1/8"), InetNetworkStatus::has_host_bits);
  EXPECT_EQ(status_of("::1/127"), InetNetworkStatus::has_host_bits);
  EXPECT_EQ(status_of("1.2.3.4/30"), InetNetworkStatus::ok);
}

TEST(InetNetwork, ReadsAddressesAndPrefixes) {
  const InetNetwork four = network_named("10.1.2.3");
  EXPECT_TRUE(four.is_single_address());
  EXPECT_EQ((std::array{four.address[0], four.address[1], four.address[2], four.address[3]}),
            (std::array<std::uint8_t, 4>{10, 1, 2, 3}));
  EXPECT_EQ(network_named("0.0.0.0/0").prefix_length, 0);
  EXPECT_FALSE(network_named("0.0.0.0/0").is_single_address());
  EXPECT_EQ(network_named("2001:DB8::/32").address, network_named("2001:db8:0::0/32").address);
  EXPECT_TRUE(network_named("::ffff:10.1.2.3").is_single_address());
  EXPECT_EQ(network_named("::ffff:10.1.2.3").address_size, 16);
}

TEST(InetNetwork, ContainsItsAddressesAndNetworks) {
  const auto contains_named = [](std::string_view network, std::string_view other) {
    return contains(network_named(network), network_named(other));
  };
  EXPECT_TRUE(contains_named("10.0.0.0/8", "10.255.255.255"));
  EXPECT_TRUE(contains_named("10.0.0.0/8", "10.0.0.0/8"));
  EXPECT_TRUE(contains_named("10.0.0.0/8", "10.4.0.0/16"));
  EXPECT_FALSE(contains_named("10.4.0.0/16", "10.0.0.0/8"));
  EXPECT_FALSE(contains_named("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains_named("10.0.0.128/25", "10.0.0.129"));
  EXPECT_FALSE(contains_named("10.0.0.128/25", "10.0.0.127"));
  EXPECT_TRUE(contains_named("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(contains_named("0.0.0.0/0", "::"));
  EXPECT_FALSE(contains_named("::/0", "10.0.0.1"));
  EXPECT_FALSE(contains_named("10.0.0.1", "::ffff:10.0.0.1"));
  EXPECT_TRUE(contains_named("::ffff:0.0.0.0/96", "::ffff:10.0.0.1"));
  EXPECT_TRUE(contains_named("10.0.0.1", "10.0.0.1/32"));
  EXPECT_FALSE(contains_named("10.0.0.1", "10.0.0.2"));
}

}  // namespace
}  // namespace audit
