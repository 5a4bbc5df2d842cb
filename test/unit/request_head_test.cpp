// What RFC 9112 forbids in the fields of a head, and what it allows.
#include "http/request_head.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace audit::httpd {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

bool is_sound(const Fields& fields, bool is_http_1_1 = true) {
  RequestHead head("GET", is_http_1_1);
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

TEST(RequestHeadTest, RefusesHostsThatAreNone) {
  for (const std::string_view host : {"a b", "a, b", "user@a", "a/b", "a:b", "a:1:2", "[::1", "[]", "[g]", "[::1]x",
                                      "[::1]:x", "::1", "<a>", "\xc3\xa9", "a?b", "a#b", "http://a"})
    EXPECT_FALSE(is_sound({{"Host", host}})) << host;
  for (const std::string_view host :
       {"", "a", "a:", "a:80", "a_b.c-d", "127.0.0.1:8080", "[::1]", "[::1]:8080", "%41", " a "})
    EXPECT_TRUE(is_sound({{"Host", host}})) << host;
}

TEST(RequestHeadTest, RefusesMethodsAndTargetsThatAreNone) {
  for (const std::string_view method : {"", "G(T", "G\x01T", "G\tT", "\xc3\xa9"})
    EXPECT_FALSE(RequestHead(method, false).is_sound()) << method;
  EXPECT_TRUE(RequestHead("M-SEARCH", false).is_sound());
  for (const std::string_view target : {"/a b", "/a\tb", "/a\rb", "/\x01", "/\x7f"})
    EXPECT_FALSE(is_sound_target(target)) << target;
  EXPECT_TRUE(is_sound_target("/a?b=\xc3\xa9"));
}

TEST(RequestHeadTest, TakesWhatIsAllowed) {
  EXPECT_TRUE(is_sound({{"Host", "x"}}));
  EXPECT_TRUE(is_sound({}, false));
  EXPECT_TRUE(is_sound({{"host", ""}, {"Content-Length", "10"}, {"X-_.~!#$%&'*+^`|", "a\tb \xc3\xa9"}}));
  EXPECT_TRUE(is_sound({{"Host", "x"}, {"Transfer-Encoding", "Chunked"}}));
}

}  // namespace
}  // namespace audit::httpd
