// What is taken for gzip, and how much of it.
#include "http/gunzip.hpp"

#include <gtest/gtest.h>

#include "http/content_encoding.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t no_limit = std::size_t{1} << 30;

std::string packed(std::string_view text) { return gzip(text).value(); }

std::variant<std::size_t, GunzipFault> size_of(std::string_view bytes, std::size_t max_size = no_limit) {
  return gunzipped_size(bytes, max_size);
}

void expect_text(const std::string& bytes, const std::string& text) {
  ASSERT_EQ(size_of(bytes), (std::variant<std::size_t, GunzipFault>(text.size())));
  EXPECT_EQ(gunzip(bytes, text.size()), text);
}

TEST(GunzipTest, MembersAreOneText) {
  expect_text(packed(""), "");
  expect_text(packed("a") + packed("") + packed("bc"), "abc");
  // As long as the pieces that are read at once, and around it.
  for (std::size_t size = 64 * 1024 - 1; size <= 64 * 1024 + 1; ++size) {
    const std::string text(size, 'x');
    expect_text(packed(text), text);
    expect_text(packed(text) + packed(text), text + text);
  }
}

TEST(GunzipTest, FieldsOfAHeadAreNoText) {
  const std::string plain = packed("text");
  std::string head = plain.substr(0, 10);
  head[3] = 4 | 8 | 16;  // FEXTRA, FNAME, FCOMMENT
  const std::string fields = std::string("\x03\x00", 2) + "abc" + std::string(100'000, 'n') + '\0' + "comment" + '\0';
  expect_text(head + fields + plain.substr(10), "text");
}

TEST(GunzipTest, CutShort) {
  const std::string whole = packed("some text") + packed("and more");
  const std::size_t first = packed("some text").size();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (size == first) continue;
    const std::variant<std::size_t, GunzipFault> cut_short = GunzipFault::cut_short;
    EXPECT_EQ(size_of(whole.substr(0, size)), cut_short) << size;
  }
}

TEST(GunzipTest, Damaged) {
  const std::string good = packed("some text");
  const std::variant<std::size_t, GunzipFault> damaged = GunzipFault::damaged;
  EXPECT_EQ(size_of("{}"), damaged);
  EXPECT_EQ(size_of(good + "trailing"), damaged);
  EXPECT_EQ(size_of(good + std::string(512, '\0')), damaged);
  for (std::size_t i = 1; i <= 8; ++i) {  // checksum and size
    std::string wrong = good;
    ++wrong[wrong.size() - i];
    EXPECT_EQ(size_of(wrong), damaged) << i;
  }
}

TEST(GunzipTest, EndsAtTheBound) {
  const std::string bomb = packed(std::string(1'000'000, '\0'));
  const std::variant<std::size_t, GunzipFault> too_large = GunzipFault::too_large;
  EXPECT_EQ(size_of(bomb, 1'000'000), (std::variant<std::size_t, GunzipFault>(1'000'000U)));
  EXPECT_EQ(size_of(bomb, 999'999), too_large);
  EXPECT_EQ(size_of(packed("ab") + packed("c"), 2), too_large);
  // What comes behind the bound does not matter.
  EXPECT_EQ(size_of(bomb + "trailing", 100'000), too_large);
}

}  // namespace
}  // namespace audit::httpd
