// Cursors: nothing but what write_cursor wrote is read, and only with the same filters.
#include "page_cursor.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace audit {
namespace {

EventKey some_position() {
  EventKey key;
  key.created_at_us = 789'123'456'789'012;
  for (std::size_t i = 0; i < key.id.size(); i++) key.id[i] = static_cast<std::uint8_t>(0xf0 + i);
  return key;
}

std::string token_for(const EventKey& position, const EventFilters& filters) {
  std::string token(cursor_size, '?');
  write_cursor(position, filters, token.data());
  return token;
}

TEST(PageCursor, RefusesWhatIsNone) {
  EventKey position;
  for (const std::string& token : {std::string(), std::string("!"), std::string(cursor_size, 'A'),
                                   std::string(cursor_size, '\0'), std::string(1'000'000, 'A'), std::string("null")}) {
    EXPECT_EQ(read_cursor(token, {}, position), CursorStatus::invalid) << token.substr(0, 60);
    EXPECT_FALSE(is_well_formed_cursor(token));
  }
}

TEST(PageCursor, RefusesEveryAlteration) {
  const std::string token = token_for(some_position(), {});
  EventKey position;
  for (std::size_t i = 0; i < token.size(); i++) {
    for (const char c : std::string("ABCxyz019-_=+/ \n")) {
      std::string altered = token;
      altered[i] = c;
      if (altered != token) {
        EXPECT_EQ(read_cursor(altered, {}, position), CursorStatus::invalid) << altered;
      }
    }
    EXPECT_EQ(read_cursor(token.substr(0, i), {}, position), CursorStatus::invalid);
    EXPECT_EQ(read_cursor(token.substr(i + 1), {}, position), CursorStatus::invalid);
  }
  EXPECT_EQ(read_cursor(token + "A", {}, position), CursorStatus::invalid);
}

TEST(PageCursor, RefusesRandomTokens) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::mt19937 random(2);
  for (int i = 0; i < 100'000; i++) {
    std::string token = "AQ";  // with the right version, so that the checksum has to do it
    while (token.size() < cursor_size) token += alphabet[random() % alphabet.size()];
    ASSERT_FALSE(is_well_formed_cursor(token)) << token;
  }
}

std::optional<FilterValue>& value_of(EventFilters& filters, std::string_view name) {
  return filters.values[filter_of_column(event_column_named(name))];
}

TEST(PageCursor, RefusesOtherFilters) {
  EventFilters none, empty, group, type, user, user_zero, since, until;
  value_of(empty, "event_group") = FilterValue{0, ""};
  value_of(group, "event_group") = FilterValue{0, "a"};
  value_of(type, "event_type") = FilterValue{0, "a"};
  value_of(user, "user_id") = FilterValue{1, {}};
  value_of(user_zero, "user_id") = FilterValue{0, {}};
  since.since_us = 1;
  until.until_us = 1;
  EventFilters ab, a_b;
  value_of(ab, "event_group") = FilterValue{0, "ab"}, value_of(ab, "event_type") = FilterValue{0, ""};
  value_of(a_b, "event_group") = FilterValue{0, "a"}, value_of(a_b, "event_type") = FilterValue{0, "b"};
  const EventFilters all[] = {none, empty, group, type, user, user_zero, since, until, ab, a_b};

  for (const EventFilters& made_with : all) {
    const std::string token = token_for(some_position(), made_with);
    EXPECT_TRUE(is_well_formed_cursor(token));
    for (const EventFilters& used_with : all) {
      EventKey position;
      EXPECT_EQ(read_cursor(token, used_with, position),
                &made_with == &used_with ? CursorStatus::ok : CursorStatus::mismatch);
    }
  }
}

TEST(PageCursor, ReadsBackEveryPosition) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 10'000; i++) {
    EventKey key;
    key.created_at_us = static_cast<std::int64_t>(random());
    for (auto& byte : key.id) byte = static_cast<std::uint8_t>(random());
    EventFilters filters;
    value_of(filters, "user_id") = FilterValue{static_cast<std::int64_t>(random()), {}};
    EventKey read;
    ASSERT_EQ(read_cursor(token_for(key, filters), filters, read), CursorStatus::ok);
    EXPECT_EQ(read.created_at_us, key.created_at_us);
    EXPECT_EQ(read.id, key.id);
  }
}

// Clients keep cursors; this one was handed out by format 1 and must be readable for as long as the format is.
TEST(PageCursor, FormatOneStaysAsItIs) {
  EventFilters filters;
  value_of(filters, "event_group") = FilterValue{0, "auth"};
  value_of(filters, "user_id") = FilterValue{42, {}};
  EXPECT_EQ(token_for(some_position(), filters), "AQACzbQfU2oU8PHy8_T19vf4-fr7_P3-_wUezXZv-mPfYmJeTg");
}

}  // namespace
}  // namespace audit
