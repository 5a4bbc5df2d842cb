// Splitting the request target.
#include "http/request_target.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace audit::httpd {
namespace {

std::pair<std::string, std::string> split(std::string_view target) {
  std::pair<std::string, std::string> parts;
  split_target(target, parts.first, parts.second);
  return parts;
}

using Parts = std::pair<std::string, std::string>;

TEST(RequestTarget, PathAndQuery) {
  EXPECT_EQ(split("/a?b=c?d"), Parts("/a", "b=c?d"));
  EXPECT_EQ(split("/a"), Parts("/a", ""));
  EXPECT_EQ(split("/a?limit=10#frag"), Parts("/a", "limit=10"));
  EXPECT_EQ(split("/a#frag?b"), Parts("/a", ""));
  EXPECT_EQ(split(""), Parts("", ""));
}

TEST(RequestTarget, AbsoluteForm) {
  EXPECT_EQ(split("http://host:80/a?b"), Parts("/a", "b"));
  EXPECT_EQ(split("HTTPS://host?b"), Parts("", "b"));
  EXPECT_EQ(split("http://host"), Parts("/", ""));
  EXPECT_EQ(split("ftp://host/a"), Parts("ftp://host/a", ""));
}

TEST(RequestTarget, Spaces) {
  EXPECT_EQ(trim_http_space(" \t a b\t"), "a b");
  EXPECT_EQ(trim_http_space(" \t"), "");
}

}  // namespace
}  // namespace audit::httpd
