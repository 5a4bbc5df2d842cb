// The query string of GET /v1/audit/events: what is accepted, what is refused and how, and the link to the next page.
#include "endpoints/query_parameters.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/page_cursor.hpp"

namespace audit::httpd {
namespace {

// A query string that is right, and what was read of it.
struct Parsed {
  explicit Parsed(const std::string& query) : parts(parse_urlencoded(query)) {
    ParsedListParameters result = parse_list_parameters(parts, false);
    EXPECT_TRUE(result.errors.empty()) << query << ": " << (result.errors.empty() ? "" : result.errors[0].message);
    parameters = result.parameters;
  }
  Parsed(const Parsed&) = delete;
  const std::optional<FilterValue>& filter(std::string_view name) const {
    return parameters.filters.values[filter_of_column(event_column_named(name))];
  }

  std::vector<NameValue> parts;
  EventListParameters parameters;
};

std::string text_of(const std::string& query, std::string_view name) {
  return std::string(Parsed(query).filter(name).value().text);
}

// `name:type` of each error.
std::vector<std::string> errors(const std::string& query, bool is_strict = false) {
  std::vector<std::string> all;
  for (const ValidationError& error : parse_list_parameters(parse_urlencoded(query), is_strict).errors) {
    all.push_back(error.name + ":" + std::string(error.type));
  }
  return all;
}

std::string next_page(const std::string& query) { return query_with_cursor(parse_urlencoded(query), "C"); }

using Names = std::vector<std::string>;

TEST(QueryParameters, EmptyQueryHasTheDefaults) {
  const Parsed read("");
  EXPECT_EQ(read.parameters.limit, 50);
  EXPECT_EQ(fingerprint(read.parameters.filters), fingerprint({}));
  EXPECT_FALSE(read.parameters.cursor);
}

TEST(QueryParameters, TextIsDecodedAsFormsAre) {
  EXPECT_EQ(text_of("status=a+b", "status"), "a b");
  EXPECT_EQ(text_of("status=%C3%A9", "status"), "\xC3\xA9");
  EXPECT_EQ(text_of("status=%zz", "status"), "%zz");
  EXPECT_EQ(text_of("status=%4", "status"), "%4");
  EXPECT_EQ(text_of("status", "status"), "");
  EXPECT_EQ(text_of("status==a", "status"), "=a");
  EXPECT_EQ(text_of("&&status=a&", "status"), "a");
  EXPECT_EQ(text_of("event_type=%22%27%3B--", "event_type"), "\"';--");
  EXPECT_EQ(text_of("st%61tus=x", "status"), "x");
  EXPECT_FALSE(Parsed("STATUS=x").filter("status"));
}

TEST(QueryParameters, LastOfRepeatedCounts) {
  EXPECT_EQ(Parsed("limit=0&limit=7").parameters.limit, 7);
  EXPECT_EQ(errors("limit=7&limit=0"), Names{"limit:greater_than_equal"});
}

TEST(QueryParameters, TextThatIsNotUnicode) {
  for (const char* bytes : {"%ff", "%00", "a%00b", "%C3", "%ED%A0%80", "%C0%80"}) {
    EXPECT_EQ(errors(std::string("vm_id=") + bytes), Names{"vm_id:string_unicode"}) << bytes;
  }
}

TEST(QueryParameters, LimitIsComparedBeforeItsSize) {
  EXPECT_EQ(errors("limit=201"), Names{"limit:less_than_equal"});
  EXPECT_EQ(errors("limit=99999999999999999999"), Names{"limit:less_than_equal"});
  EXPECT_EQ(errors("limit=-99999999999999999999"), Names{"limit:greater_than_equal"});
  EXPECT_EQ(errors("user_id=99999999999999999999"), Names{"user_id:int_parsing_size"});
  EXPECT_EQ(errors("user_id="), Names{"user_id:int_parsing"});
  EXPECT_EQ(Parsed("user_id=-9223372036854775808").filter("user_id")->number, INT64_MIN);
}

TEST(QueryParameters, Times) {
  EXPECT_EQ(Parsed("since=2000-01-01T00:00:01Z").parameters.filters.since_us, 1'000'000);
  EXPECT_EQ(Parsed("until=2000-01-01T01:00:00%2B01:00").parameters.filters.until_us, 0);
  EXPECT_EQ(errors("since=&until=2000-01-01T00:00:00"), (Names{"since:datetime_parsing", "until:timezone_aware"}));
}

TEST(QueryParameters, CursorMustBeWellFormed) {
  std::string cursor(cursor_size, ' ');
  write_cursor({}, {}, cursor.data());
  EXPECT_EQ(Parsed("cursor=" + cursor).parameters.cursor, cursor);
  cursor[5] = cursor[5] == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {cursor, std::string(), std::string("%ff"), cursor.substr(1)}) {
    EXPECT_EQ(errors("cursor=" + wrong), Names{"cursor:cursor_invalid"});
  }
}

TEST(QueryParameters, ErrorsComeInTheContractsOrder) {
  EXPECT_EQ(errors("until=x&limit=x&cursor=x&session_id=%ff&user_id=x&event_group=%ff"),
            (Names{"event_group:string_unicode", "session_id:string_unicode", "user_id:int_parsing",
                   "cursor:cursor_invalid", "limit:int_parsing", "until:datetime_parsing"}));
}

TEST(QueryParameters, EveryFilterIsRead) {
  for (std::size_t i = 0; i < filter_count; ++i) {
    const std::string name(filter_name(i));
    const bool is_address = filter_kind(i) == ColumnKind::address;
    const std::string query = name + (is_address ? "=0.0.0.1" : "=1");
    EXPECT_TRUE(errors(query, true).empty()) << name;
    const Parsed read(query);
    const FilterValue value = read.filter(name).value();
    EXPECT_EQ(filter_kind(i) == ColumnKind::text ? value.text == "1"
              : is_address                       ? value.network.address[3] == 1
                                                 : value.number == 1,
              true)
        << name;
    EXPECT_EQ(errors(name + "=%ff").size(), 1U) << name;
  }
}

TEST(QueryParameters, StrictRequestsRefuseWhatIsUnknown) {
  EXPECT_TRUE(errors("Status=x&=5").empty());
  EXPECT_EQ(errors("Status=x&limit=0&=5&Status=y", true),
            (Names{"limit:greater_than_equal", "Status:extra_forbidden", ":extra_forbidden"}));
}

TEST(QueryParameters, PreferHeader) {
  for (const char* strict :
       {"handling=strict", "respond-async, Handling=\"strict\"", "a=b;c, handling = strict ;x=y,"}) {
    EXPECT_TRUE(prefers_strict_handling(strict)) << strict;
  }
  for (const char* other : {"", "handling", "handling=lenient, handling=strict", "xhandling=strict", "handling=\"stric",
                            ",,;;==", "strict"}) {
    EXPECT_FALSE(prefers_strict_handling(other)) << other;
  }
}

TEST(QueryParameters, NextPageKeepsAllButTheCursor) {
  EXPECT_EQ(next_page(""), "cursor=C");
  EXPECT_EQ(next_page("status=a+b&cursor=x&limit=5&cursor=y"), "status=a%20b&limit=5&cursor=C");
  EXPECT_EQ(next_page("a=\"><\r\n&b"), "a=%22%3E%3C%0D%0A&b=&cursor=C");
}

TEST(QueryParameters, FilterIsCheckedAndKeptAsItIsWritten) {
  EXPECT_EQ(Parsed("filter=vm_id%20%20eq+%22a%22").parameters.filters.expression, "vm_id  eq \"a\"");
  EXPECT_EQ(Parsed("").parameters.filters.expression, std::nullopt);
  EXPECT_EQ(errors("filter="), Names{"filter:filter_invalid"});
  EXPECT_EQ(errors("filter=vm_id+eq+1&limit=0"), (Names{"limit:greater_than_equal", "filter:filter_invalid"}));
  EXPECT_EQ(errors("filter=vm_id+eq+%22%ff%22"), Names{"filter:string_unicode"});
  EXPECT_EQ(errors("filter=vm_id+pr", true), Names{});
  const std::string message = parse_list_parameters(parse_urlencoded("filter=vm_id+is+1"), false).errors.at(0).message;
  EXPECT_EQ(
      message,
      "Filter is not valid at byte 7: an operator is missing; there may stand: eq, ne, co, sw, ew, gt, ge, lt, le "
      "or pr");
}

}  // namespace
}  // namespace audit::httpd
