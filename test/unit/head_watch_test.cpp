// Where heads end, however their bytes come.
#include "http/head_watch.hpp"

#include <gtest/gtest.h>

#include <string>

namespace audit::httpd {
namespace {

const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// Of those bytes, however they are cut.
std::size_t sound_heads(const std::string& bytes) {
  HeadWatch whole;
  whole.feed(bytes);
  HeadWatch single;
  for (char c : bytes) single.feed({&c, 1});
  EXPECT_EQ(single.sound_heads(), whole.sound_heads()) << bytes;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    HeadWatch cut;
    cut.feed(bytes.substr(0, size));
    cut.feed(bytes.substr(size));
    EXPECT_EQ(cut.sound_heads(), whole.sound_heads()) << size;
  }
  return whole.sound_heads();
}

std::string post(const std::string& framing, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + framing + "\r\n\r\n" + body;
}

TEST(HeadWatchTest, OneBehindTheOther) {
  EXPECT_EQ(sound_heads(""), 0U);
  EXPECT_EQ(sound_heads(get.substr(0, get.size() - 1)), 0U);
  EXPECT_EQ(sound_heads(get + get + get), 3U);
  EXPECT_EQ(sound_heads("\r\n\r\n" + get), 1U);
}

TEST(HeadWatchTest, ARequestLineHasTwoSpaces) {
  const std::string long_target = "/" + std::string(300, 'x');
  EXPECT_EQ(sound_heads("GET " + long_target + " HTTP/1.1\r\nHost: x y  z\r\n\r\n" + get), 2U);
  for (const char* line : {"GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
                           "GET /x y HTTP/1.1", "GET /", "GET", "GET\t/ HTTP/1.1"})
    EXPECT_EQ(sound_heads(get + line + "\r\nHost: x\r\n\r\n" + get), 1U) << line;
  EXPECT_EQ(sound_heads("GET " + long_target + "  HTTP/1.1\r\nHost: x\r\n\r\n"), 0U);
}

TEST(HeadWatchTest, AFieldIsOnOneLineAndHasAName) {
  for (const char* line : {" y", "\ty", "  ", " X: y", ":", ": y", ":X: y"})
    EXPECT_EQ(sound_heads("GET / HTTP/1.1\r\nX: x\r\n" + std::string(line) + "\r\n\r\n"), 0U) << line;
  EXPECT_EQ(sound_heads("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 0U);
}

TEST(HeadWatchTest, WhatIsInABodyIsNoHead) {
  const std::string body = get + "\n:\n" + std::string(100, '\0');
  const std::string size = std::to_string(body.size());
  EXPECT_EQ(sound_heads(post("Content-Length: " + size, body) + get), 2U);
  EXPECT_EQ(sound_heads(post("content-LENGTH:\t" + size + " ", body) + get), 2U);
  EXPECT_EQ(sound_heads(post("Content-Length: 0", "") + get), 2U);
  EXPECT_EQ(sound_heads(post("X: " + std::string(200, 'y'), "") + get), 2U);
}

TEST(HeadWatchTest, NothingCountsBehindChunks) {
  EXPECT_EQ(sound_heads(post("Transfer-Encoding: chunked", "0\r\n\r\n") + get), 1U);
}

bool has_fault(const std::string& chunks) {
  HeadWatch watch;
  watch.feed(post("Transfer-Encoding: chunked", ""));
  for (char c : chunks) watch.feed({&c, 1});
  return watch.has_fault();
}

TEST(HeadWatchTest, ChunksAndTrailersThatAreSound) {
  EXPECT_FALSE(has_fault("5\r\na\n\r\0b\r\n0\r\n\r\n"));
  for (const char* chunks : {"0\r\n\r\n\n\n", "00a \t; x=\"y\"\r\n0123456789\r\n0\r\n\r\n",
                             "F;x\r\n0123456789abcde\r\n0\r\nX: y\r\nZ:\r\n\r\n"}) {
    EXPECT_FALSE(has_fault(chunks)) << chunks;
  }
}

TEST(HeadWatchTest, ChunksAndTrailersThatAreNot) {
  using namespace std::string_literals;
  for (const std::string& chunks :
       {"\r\n"s, "x\r\n"s, "-1\r\n"s, "0x1\r\n"s, "1 \r\n"s, "1 2\r\n"s, "10000000000000000\r\n"s, "1\n"s, "1\r\na\n"s,
        "1\r\nab\r\n"s, "0\r\n\n"s, "0\n"s, "0\r\n: y\r\n"s, "0\r\nX : y\r\n"s, "0\r\nX: y\r\n z\r\n"s, "0\r\nx\r\n"s,
        "0\r\nX: a\0b\r\n"s}) {
    EXPECT_TRUE(has_fault(chunks)) << chunks;
  }
}

TEST(HeadWatchTest, NothingCountsBehindAFault) {
  for (const char* line : {"Host: x\n", "Host: x\n:\r\n", ":\n", "\n", "X: y\t\n", "X: a\rb\r\n", "X: y\r\r\n",
                           "Content-Length: 1x\r\n", "Content-Length: 99999999999999999999\r\n"}) {
    EXPECT_EQ(sound_heads(get + "GET / HTTP/1.1\r\n" + line + get), 1U) << line;
  }
  EXPECT_EQ(sound_heads("\n" + get), 0U);
  using namespace std::string_literals;
  EXPECT_EQ(sound_heads("GET / HTTP/1.1\r\n\0\n"s + get), 0U);
  EXPECT_EQ(sound_heads("\0x\r\n"s + get), 0U);
  EXPECT_EQ(sound_heads("GET / HTTP/1.1\r\nX: a\0\r\n"s + get), 0U);
}

}  // namespace
}  // namespace audit::httpd
