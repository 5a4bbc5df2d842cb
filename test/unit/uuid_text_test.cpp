// UUIDs as text, there and back.
#include "uuid_text.hpp"

#include <gtest/gtest.h>

namespace audit {
namespace {

TEST(UuidText, Forms) {
  const auto id = parse_uuid("01a204f1-fc4b-7f68-bcd2-d89418e52d53");
  ASSERT_TRUE(id);
  EXPECT_EQ((*id)[0], 0x01);
  EXPECT_EQ((*id)[15], 0x53);
  EXPECT_EQ(parse_uuid("01A204F1FC4B7F68BCD2D89418E52D53"), id);
}

TEST(UuidText, WritesWhatItReads) {
  constexpr std::string_view text = "01a204f1-fc4b-7f68-bcd2-d89418e52d53";
  char written[uuid_text_size];
  EXPECT_EQ(write_uuid(written, parse_uuid(text)->data()), written + uuid_text_size);
  EXPECT_EQ(std::string_view(written, uuid_text_size), text);
}

TEST(UuidText, Wrong) {
  for (const char* text : {"", "x", "01a204f1-fc4b-7f68-bcd2-d89418e52d5", "01a204f1-fc4b-7f68-bcd2-d89418e52d533",
                           "01a204f1-fc4b-7f68-bcd2-d89418e52d5g", "01a204f1_fc4b_7f68_bcd2_d89418e52d53",
                           "-1a204f1fc4b7f68bcd2d89418e52d53", "{01a204f1-fc4b-7f68-bcd2-d89418e52d53}",
                           "01a204f1fc4b-7f68-bcd2-d89418e5-2d53"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

}  // namespace
}  // namespace audit
