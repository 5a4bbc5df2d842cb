// The table of filters, and the fingerprint of their values.
#include "event_filters.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace audit {
namespace {

constexpr std::size_t filter_named(std::string_view name) { return filter_of_column(event_column_named(name)); }

EventFilters with_text(std::string_view name, std::string_view text) {
  EventFilters filters;
  filters.values[filter_named(name)] = FilterValue{0, text};
  return filters;
}

TEST(EventFilters, EachNamesAColumnOnce) {
  for (std::size_t i = 0; i < filter_count; i++) EXPECT_EQ(filter_of_column(filter_columns[i]), i) << filter_name(i);
  EXPECT_EQ(filter_of_column(id_column), filter_count);
  EXPECT_EQ(filter_named("no_such_column"), filter_count);
}

// Clients keep cursors, so these numbers must not change: they are of cursor format 1, whatever filters come later.
TEST(EventFilters, FingerprintsStayAsTheyAre) {
  EventFilters all = with_text("event_group", "auth");
  all.values[filter_named("event_type")] = FilterValue{0, "login"};
  all.values[filter_named("status")] = FilterValue{0, "failure"};
  all.values[filter_named("user_id")] = FilterValue{-5, {}};
  all.values[filter_named("vm_id")] = FilterValue{0, "vm-1"};
  all.values[filter_named("session_id")] = FilterValue{0, ""};
  all.since_us = 1;
  all.until_us = INT64_MAX;
  EXPECT_EQ(fingerprint(all), 0xb97d5fd3b6f19fb6);
  EXPECT_EQ(fingerprint({}), 0xa8c7f832281a39c5);
  EXPECT_EQ(fingerprint(with_text("vm_id", "vm-1")), 0x4167f5b919686fa1);
  EXPECT_EQ(fingerprint(with_text("session_id", "vm-1")), 0x2d98793bed1246bd);
  EventFilters user, since;
  user.values[filter_named("user_id")] = FilterValue{42, {}};
  since.since_us = 0;
  EXPECT_EQ(fingerprint(user), 0xae6bb2ee5a844194);
  EXPECT_EQ(fingerprint(since), 0x6f7afeb5ddaf421c);
}

TEST(EventFilters, AnExpressionHasItsTextInTheFingerprint) {
  EventFilters filters;
  std::vector<std::uint64_t> seen{fingerprint(filters)};
  for (const char* text : {"", "vm_id pr", "vm_id  pr", "VM_ID pr"}) {
    filters.expression = text;
    for (const std::uint64_t other : seen) EXPECT_NE(fingerprint(filters), other) << text;
    seen.push_back(fingerprint(filters));
  }
  EXPECT_EQ(seen[2], 0x3b0874cc91e13dbd);
}

TEST(EventFilters, EachFilterHasAPartInTheFingerprint) {
  std::vector<std::uint64_t> seen{fingerprint({})};
  for (std::size_t i = 0; i < filter_count; i++) {
    for (const FilterValue& value : {FilterValue{0, "", {4, 0, {}}}, FilterValue{1, "1", {4, 1, {}}}}) {
      EventFilters filters;
      filters.values[i] = value;
      for (const std::uint64_t other : seen) EXPECT_NE(fingerprint(filters), other) << filter_name(i);
      seen.push_back(fingerprint(filters));
    }
  }
}

TEST(EventFilters, EachPartOfANetworkIsInTheFingerprint) {
  const InetNetwork networks[] = {{4, 32, {}}, {16, 32, {}}, {4, 31, {}}, {4, 32, {1}}, {4, 32, {0, 1}}, {16, 32, {1}}};
  std::vector<std::uint64_t> seen;
  for (const InetNetwork& network : networks) {
    EventFilters filters;
    filters.values[filter_named("ip_address")] = FilterValue{0, {}, network};
    for (const std::uint64_t other : seen) EXPECT_NE(fingerprint(filters), other);
    seen.push_back(fingerprint(filters));
  }
}

// Of format 1, too: they stay as they are whatever filters come later.
TEST(EventFilters, FingerprintsOfLaterFiltersStayAsTheyAre) {
  EXPECT_EQ(fingerprint(with_text("actor_type", "user")), 0x5b651149701d7f12);
  EXPECT_EQ(fingerprint(with_text("correlation_id", "")), 0x08394d188fc879d8);
  EventFilters task, address;
  task.values[filter_named("task_id")] = FilterValue{42, {}};
  address.values[filter_named("ip_address")] = FilterValue{0, {}, {4, 8, {10}}};
  EXPECT_EQ(fingerprint(task), 0xc27823314d9914b3);
  EXPECT_EQ(fingerprint(address), 0x1450f1394816ddb9);
}

}  // namespace
}  // namespace audit
