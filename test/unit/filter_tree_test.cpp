#include "filter_tree.hpp"

#include <gtest/gtest.h>

#include <string>

#include "filter_parser.hpp"

namespace audit {
namespace {

// Seconds since 2000, or 0 for no bound.
void expect_times(std::string_view text, std::int64_t since_us, std::int64_t until_us) {
  FilterTree tree;
  FilterError error;
  ASSERT_TRUE(parse_filter(text, tree, error)) << text;
  const FilterTimes times = filter_times(tree);
  EXPECT_EQ(times.since_us, since_us) << text;
  EXPECT_EQ(times.until_us, until_us) << text;
}

TEST(FilterTree, FindsBoundsOfTime) {
  expect_times("vm_id pr", INT64_MIN, INT64_MAX);
  expect_times(R"(created_at ge "2000-01-01T00:00:01Z")", 1'000'000, INT64_MAX);
  expect_times(R"(created_at gt "2000-01-01T00:00:01Z" and (vm_id pr and created_at lt "2000-01-01T00:00:02Z"))",
               1'000'001, 1'999'999);
  expect_times(R"(created_at eq "2000-01-01T00:00:01Z" and created_at le "2000-01-01T00:00:05Z")", 1'000'000,
               1'000'000);
}

TEST(FilterTree, FindsNoBoundsWhereOtherEventsMatch) {
  expect_times(R"(vm_id pr or created_at ge "2000-01-01T00:00:01Z")", INT64_MIN, INT64_MAX);
  expect_times(R"(not (created_at ge "2000-01-01T00:00:01Z"))", INT64_MIN, INT64_MAX);
  expect_times(R"(created_at ne "2000-01-01T00:00:01Z")", INT64_MIN, INT64_MAX);
  expect_times(R"(not (vm_id pr and created_at ge "2000-01-01T00:00:01Z"))", INT64_MIN, INT64_MAX);
}

// "column=value" of each filter that is set.
std::string required_values(std::string_view text, EventFilters filters = {}) {
  FilterTree tree;
  FilterError error;
  EXPECT_TRUE(parse_filter(text, tree, error)) << text;
  add_required_values(tree, filters);
  std::string all;
  for (std::size_t i = 0; i < filter_count; i++) {
    if (!filters.values[i]) continue;
    const FilterValue& value = *filters.values[i];
    all += std::string(filter_name(i)) + "=" + std::string(value.text) + std::to_string(value.number) + "/" +
           std::to_string(value.network.prefix_length) + " ";
  }
  return all;
}

TEST(FilterTree, FindsValuesThatEachMatchHas) {
  EXPECT_EQ(required_values(R"(status eq "a" and (user_id eq 5 and path eq "x" and ip_address eq "10.0.0.0/8"))"),
            "status=a0/0 user_id=5/0 ip_address=0/8 ");
  EXPECT_EQ(required_values(R"(status eq "a" and status eq "b")"), "status=a0/0 ");
  EXPECT_EQ(required_values("not (not (user_id eq 5))"), "user_id=5/0 ");
  EventFilters given;
  given.values[filter_of_column(event_column_named("status"))] = FilterValue{0, "z", {}};
  EXPECT_EQ(required_values(R"(status eq "a")", given), "status=z0/0 ");
}

TEST(FilterTree, FindsNoValueWhereOtherEventsMatch) {
  for (const char* text : {R"(status eq "a" or user_id eq 5)", "user_id ne 5", "not (user_id eq 5)", "user_id gt 5",
                           R"(status sw "a")", "user_id pr", "user_id eq null", R"(event_payload.status eq "a")",
                           R"(event_payload eq "a")", "http_status eq 200", R"(not (status eq "a" and user_id eq 5))"})
    EXPECT_EQ(required_values(text), "") << text;
}

}  // namespace
}  // namespace audit
