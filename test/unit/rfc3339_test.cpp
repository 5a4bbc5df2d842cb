// RFC 3339: what is refused, what is read, and the calendar compared with the C library's for 10,000 years.
#include "rfc3339.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <string>

namespace audit {
namespace {

std::string written(std::int64_t us) {
  char text[rfc3339_max_size];
  return {text, write_rfc3339(us, text)};
}

std::int64_t parsed(std::string_view text) {
  std::int64_t us = -1;
  EXPECT_EQ(parse_rfc3339(text, us), DateTimeStatus::ok) << text;
  return us;
}

TEST(Rfc3339, RefusesWhatIsNoDateTime) {
  const std::string_view malformed[] = {"",
                                        "x",
                                        "2025",
                                        "2025-01-01",
                                        "2025-01-01T",
                                        "2025-01-01T00:00",
                                        "2025-01-01T00:00Z",
                                        "2025-1-01T00:00:00Z",
                                        "2025-00-01T00:00:00Z",
                                        "2025-13-01T00:00:00Z",
                                        "2025-01-00T00:00:00Z",
                                        "2025-03-00T00:00:00Z",
                                        "2025-01-32T00:00:00Z",
                                        "2025-02-29T00:00:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "2025-04-31T00:00:00Z",
                                        "2025-01-01T24:00:00Z",
                                        "2025-01-01T00:60:00Z",
                                        "2025-01-01T00:00:61Z",
                                        "2025-01-01T00:00:00.Z",
                                        "2025-01-01T00:00:00,5Z",
                                        "2025-01-01T00:00:00ZZ",
                                        "2025-01-01T00:00:00 Z",
                                        "2025-01-01T00:00:00+1",
                                        "2025-01-01T00:00:00+0100",
                                        "2025-01-01T00:00:00+24:00",
                                        "2025-01-01T00:00:00+00:60",
                                        "2025-01-01T00:00:00 00:00",
                                        "0000-01-01T00:00:00Z",
                                        "10000-01-01T00:00:00Z",
                                        "-2025-01-01T00:00:00Z",
                                        "2025-01-01_00:00:00Z",
                                        "1735689600",
                                        "infinity",
                                        "0001-01-01T00:00:00+00:01",
                                        "9999-12-31T23:59:59-00:01",
                                        "2025-01-01T00:00:00.1234567890123456789x"};
  for (const auto text : malformed) {
    std::int64_t us = 7;
    EXPECT_EQ(parse_rfc3339(text, us), DateTimeStatus::malformed) << text;
    EXPECT_EQ(us, 7) << text;
  }
  std::int64_t us = 7;
  EXPECT_EQ(parse_rfc3339(std::string_view("2025-01-01T00:00:00Z\0", 21), us), DateTimeStatus::malformed);
}

TEST(Rfc3339, AsksForAnOffset) {
  std::int64_t us = 7;
  EXPECT_EQ(parse_rfc3339("2025-01-01T00:00:00", us), DateTimeStatus::no_offset);
  EXPECT_EQ(parse_rfc3339("2025-01-01T00:00:00.5", us), DateTimeStatus::no_offset);
  EXPECT_EQ(us, 7);
}

TEST(Rfc3339, ReadsAllItsForms) {
  EXPECT_EQ(parsed("2000-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parsed("2000-01-01t00:00:00z"), 0);
  EXPECT_EQ(parsed("2000-01-01 00:00:00+00:00"), 0);
  EXPECT_EQ(parsed("2000-01-01T01:30:00+01:30"), 0);
  EXPECT_EQ(parsed("1999-12-31T22:30:00-01:30"), 0);
  EXPECT_EQ(parsed("2000-01-01T00:00:00-00:00"), 0);
  EXPECT_EQ(parsed("2000-01-01T00:00:00.5Z"), 500'000);
  EXPECT_EQ(parsed("2000-01-01T00:00:00.000001999Z"), 1);
  EXPECT_EQ(parsed("1999-12-31T23:59:60Z"), 0);  // a leap second
  EXPECT_EQ(parsed("1970-01-01T00:00:00Z"), unix_epoch_us);
  EXPECT_EQ(parsed("9999-12-31T23:59:59.999999Z"), year_10000_us - 1);
}

TEST(Rfc3339, WritesSixDigitsOrNone) {
  EXPECT_EQ(written(0), "2000-01-01T00:00:00Z");
  EXPECT_EQ(written(1), "2000-01-01T00:00:00.000001Z");
  EXPECT_EQ(written(-1), "1999-12-31T23:59:59.999999Z");
  EXPECT_EQ(written(100'000), "2000-01-01T00:00:00.100000Z");
  EXPECT_EQ(written(unix_epoch_us), "1970-01-01T00:00:00Z");
  EXPECT_EQ(written(year_10000_us - 1), "9999-12-31T23:59:59.999999Z");
}

TEST(Rfc3339, AgreesWithTheCLibraryOnEveryDay) {
  constexpr std::int64_t us_per_day = 86'400'000'000;
  for (std::int64_t us = unix_epoch_us; us < year_10000_us; us += us_per_day) {
    const std::time_t seconds = (us - unix_epoch_us) / 1'000'000;
    std::tm date{};
    gmtime_r(&seconds, &date);
    char text[32];
    std::strftime(text, sizeof(text), "%FT%TZ", &date);
    ASSERT_EQ(written(us), text);
    ASSERT_EQ(parsed(text), us);
  }
}

TEST(Rfc3339, ReadsBackEverythingItWrites) {
  std::mt19937_64 random(4);
  std::uniform_int_distribution<std::int64_t> moment(unix_epoch_us, year_10000_us - 1);
  for (int i = 0; i < 100'000; i++) {
    const std::int64_t us = moment(random);
    ASSERT_EQ(parsed(written(us)), us);
  }
}

}  // namespace
}  // namespace audit
