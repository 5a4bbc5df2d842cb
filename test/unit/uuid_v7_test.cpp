// UUID version 7: the layout of RFC 9562, and that the time can be had back.
#include "uuid_v7.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "rfc3339.hpp"

namespace audit {
namespace {

TEST(UuidV7, OtherVersionsMatchNothing) {
  Uuid id{};
  std::int64_t us = 0;
  for (int version = 0; version < 16; version++) {
    id[6] = static_cast<std::uint8_t>(version << 4);
    EXPECT_EQ(uuid_v7_matches(id.data(), unix_epoch_us), version == 7);
    EXPECT_EQ(uuid_v7_time(id.data(), us), version == 7);
  }
}

TEST(UuidV7, HasTheTimeOfTheExampleOfRfc9562) {
  // Appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F is Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00.
  std::int64_t us = 0;
  ASSERT_EQ(parse_rfc3339("2022-02-22T14:22:22-05:00", us), DateTimeStatus::ok);
  const Uuid id = make_uuid_v7(us, 0);
  const Uuid expected = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x70, 0x00, 0x80};
  EXPECT_EQ(id, expected);
}

TEST(UuidV7, MatchesItsMillisecondOnly) {
  std::mt19937_64 random(5);
  std::uniform_int_distribution<std::int64_t> moment(unix_epoch_us, year_10000_us - 1);
  for (int i = 0; i < 100'000; i++) {
    const std::int64_t us = moment(random);
    const Uuid id = make_uuid_v7(us, random());
    std::int64_t id_time_us = 0;
    ASSERT_TRUE(uuid_v7_time(id.data(), id_time_us));
    ASSERT_LE(id_time_us, us);
    ASSERT_GT(id_time_us + 1000, us);
    ASSERT_TRUE(uuid_v7_matches(id.data(), us));
    ASSERT_FALSE(uuid_v7_matches(id.data(), id_time_us - 1));
    ASSERT_FALSE(uuid_v7_matches(id.data(), id_time_us + 1000));
    ASSERT_EQ(id[8] >> 6, 2);  // the variant
    ASSERT_TRUE(uuid_v7_exact_time(id.data(), id_time_us));
    ASSERT_EQ(id_time_us, us);
  }
}

TEST(UuidV7, ExactTimeStaysInTheMillisecond) {
  Uuid id = make_uuid_v7(0, 0);
  for (unsigned fraction = 0; fraction < 4096; fraction++) {
    id[6] = static_cast<std::uint8_t>(0x70 | fraction >> 8);
    id[7] = static_cast<std::uint8_t>(fraction);
    std::int64_t us = 0;
    ASSERT_TRUE(uuid_v7_exact_time(id.data(), us));
    ASSERT_TRUE(uuid_v7_matches(id.data(), us)) << fraction;
  }
  id[6] = 0x40;
  std::int64_t us = 0;
  EXPECT_FALSE(uuid_v7_exact_time(id.data(), us));
}

TEST(UuidV7, TimesOutOfRangeAreCutAndMatchNothing) {
  for (const std::int64_t us : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    const Uuid id = make_uuid_v7(us, 0);
    EXPECT_EQ(id[6] >> 4, 7);
    EXPECT_FALSE(uuid_v7_matches(id.data(), us));
  }
}

TEST(UuidV7, SortsByTimeToTheMicrosecond) {
  for (std::int64_t us = 0; us < 5000; us++) EXPECT_LT(make_uuid_v7(us, ~0ull), make_uuid_v7(us + 1, 0));
}

}  // namespace
}  // namespace audit
