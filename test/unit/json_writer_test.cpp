// JSON values: every byte's escape, the bound that writers are promised, and doubles that read back.
#include "json_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace audit {
namespace {

std::string string_of(std::string_view text) {
  std::string out(json_string_bound(text), '?');
  out.resize(static_cast<std::size_t>(write_json_string(out.data(), text) - out.data()));
  return out;
}

std::string number_of(double value) {
  char out[json_number_size];
  return {out, static_cast<std::size_t>(write_json_number(out, value) - out)};
}

std::string integer_of(std::int64_t value) {
  char out[json_integer_size];
  return {out, static_cast<std::size_t>(write_json_integer(out, value) - out)};
}

TEST(JsonWriter, EscapesWhatMustBe) {
  EXPECT_EQ(string_of(""), R"("")");
  EXPECT_EQ(string_of("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(string_of("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(string_of(std::string_view("\0\x01\x0b\x1f", 4)), R"("\u0000\u0001\u000b\u001f")");
  EXPECT_EQ(string_of("\x7f é 漢 😀 \u2028"), "\"\x7f é 漢 😀 \u2028\"");
}

TEST(JsonWriter, LeavesEveryOtherByteAlone) {
  for (int byte = 0x20; byte < 0x100; byte++) {
    if (byte == '"' || byte == '\\') continue;
    const std::string text(3, static_cast<char>(byte));
    EXPECT_EQ(string_of(text), '"' + text + '"');
  }
}

// Eight bytes are looked at together: every byte at every place among them, with every neighbour that could carry over.
TEST(JsonWriter, FindsEscapesAtEveryPlace) {
  for (std::size_t place = 0; place < 19; place++) {
    for (int byte = 0; byte < 0x100; byte++) {
      for (const char neighbour : {'a', '\x7f', '\x80', '\xff', ' ', '!', '#', '[', ']'}) {
        std::string text(19, neighbour);
        text[place] = static_cast<char>(byte);
        const std::string around(1, neighbour);
        std::string expected = "\"";
        for (std::size_t i = 0; i < text.size(); i++) {
          const std::string one = i == place ? string_of({&text[i], 1}) : '"' + around + '"';
          expected += one.substr(1, one.size() - 2);
        }
        ASSERT_EQ(string_of(text), expected + '"');
      }
    }
  }
}

TEST(JsonWriter, KeepsWithinItsBound) {
  for (const std::size_t size : {0, 1, 4095, 4096, 4097, 10'000}) {
    for (const char c : {'a', '"', '\x01', '\xff'}) {
      const std::string text(size, c);
      std::string out(json_string_bound(text) + 8, '\xee');
      const char* end = write_json_string(out.data(), text);
      EXPECT_LE(end, out.data() + json_string_bound(text));
      EXPECT_EQ(out.substr(out.size() - 8), std::string(8, '\xee'));
    }
  }
  EXPECT_EQ(json_string_bound(std::string(5000, 'a')), 5002u);  // exact where it matters
}

TEST(JsonWriter, WritesIntegers) {
  EXPECT_EQ(integer_of(0), "0");
  EXPECT_EQ(integer_of(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(integer_of(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
}

TEST(JsonWriter, HasNoWordForNanAndInfinity) {
  EXPECT_EQ(number_of(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(number_of(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number_of(-std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonWriter, WritesTheShortestDigitsThatReadBack) {
  EXPECT_EQ(number_of(0.1), "0.1");
  EXPECT_EQ(number_of(1), "1");
  EXPECT_EQ(number_of(12.345), "12.345");
  EXPECT_EQ(number_of(5e-324), "5e-324");
  EXPECT_EQ(number_of(-2.2250738585072014e-308).size(), json_number_size);
  std::mt19937_64 random(6);
  for (int i = 0; i < 100'000; i++) {
    const std::uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    if (std::isfinite(value)) {
      EXPECT_EQ(std::strtod(number_of(value).c_str(), nullptr), value);
    }
  }
}

}  // namespace
}  // namespace audit
