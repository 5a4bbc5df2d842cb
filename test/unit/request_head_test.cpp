// What RFC 9112 forbids in the fields of a head, and what it allows.
#include "request_head.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace audit::httpd {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

bool is_sound(const Fields& fields, bool is_http_1_1 = true) {
  RequestHead head(is_http_1_1);
  for (const auto& [name, value] : fields) head.add(name, value);
  return head.is_sound();
}

TEST(RequestHeadTest, RefusesOtherFraming) {
  const Fields refused[] = {{{"Content-Length", "0"}, {"content-length", "0"}},
                            {{"Content-Length", "1, 1"}},
                            {{"Content-Length", "+1"}},
                            {{"Content-Length", "0x1"}},
                            {{"Content-Length", ""}},
                            {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}},
                            {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
                            {{"Transfer-Encoding", "gzip, chunked"}},
                            {{"TRANSFER-ENCODING", "identity"}},
                            {{"Host", "y"}}};
  for (Fields fields : refused) {
    const std::string_view name = fields[0].first;
    fields.emplace_back("Host", "x");
    EXPECT_FALSE(is_sound(fields)) << name;
  }
  EXPECT_FALSE(is_sound({}));
  EXPECT_FALSE(is_sound({{"Transfer-Encoding", "chunked"}}, false));
}

TEST(RequestHeadTest, RefusesNamesAndValuesThatAreNone) {
  for (const std::string_view name : {"", " ", "X ", "X\t", "X Y", "X(Y)", "X\x7f", "\xc3\xa9", "X:"})
    EXPECT_FALSE(is_sound({{"Host", "x"}, {name, "y"}})) << name;
  for (const std::string_view value : {std::string_view("\0", 1), std::string_view("a\rb"), std::string_view("a\nb"),
                                       std::string_view("\x1b"), std::string_view("\x7f")})
    EXPECT_FALSE(is_sound({{"Host", "x"}, {"X", value}})) << value;
}

TEST(RequestHeadTest, TakesWhatIsAllowed) {
  EXPECT_TRUE(is_sound({{"Host", "x"}}));
  EXPECT_TRUE(is_sound({}, false));
  EXPECT_TRUE(is_sound({{"host", ""}, {"Content-Length", "10"}, {"X-_.~!#$%&'*+^`|", "a\tb \xc3\xa9"}}));
  EXPECT_TRUE(is_sound({{"Host", "x"}, {"Transfer-Encoding", "Chunked"}}));
}

}  // namespace
}  // namespace audit::httpd
