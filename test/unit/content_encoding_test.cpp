// Which clients take gzip, what they get, and what bodies come as.
#include "http/content_encoding.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace audit::httpd {
namespace {

TEST(ContentEncodingTest, Refused) {
  for (const char* header : {"", "identity", "br, deflate", "gzip;q=0", "gzip; q=0.000", "GZIP ; Q=0", "*;q=0",
                             "gzipped", "gzip;q=0, *", "*, gzip;q=0", ",", ";", "=", "q=1"}) {
    EXPECT_FALSE(accepts_gzip(header)) << header;
  }
}

TEST(ContentEncodingTest, Accepted) {
  for (const char* header : {"gzip", "GZip", "x-gzip", "br, gzip", " gzip ", "gzip;q=0.001", "gzip; q=1", "*",
                             "*;q=0.1", "*;q=0, gzip", "deflate,gzip;q=1.0,*;q=0.5", "gzip;x=0"}) {
    EXPECT_TRUE(accepts_gzip(header)) << header;
  }
}

TEST(ContentEncodingTest, CodingOfABody) {
  for (const char* header : {"", " ", ",", "identity", "IDENTITY,", ", identity"}) {
    EXPECT_EQ(content_coding(header), ContentCoding::identity) << header;
  }
  for (const char* header : {"gzip", "GZip,", " x-gzip ", ",,gzip", "X-GZIP"}) {
    EXPECT_EQ(content_coding(header), ContentCoding::gzip) << header;
  }
  for (const char* header : {"gzip, gzip", "identity,gzip", "gzip;q=1", "deflate", "br", "gzi", "gzip x-gzip", ";"}) {
    EXPECT_EQ(content_coding(header), ContentCoding::other) << header;
  }
}

std::string unpacked(const std::string& compressed) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string bytes(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  bytes.resize(stream.total_out);
  inflateEnd(&stream);
  return bytes;
}

TEST(ContentEncodingTest, UnpacksToTheSame) {
  std::string mixed;
  for (int i = 0; i < 100'000; ++i) mixed.push_back(static_cast<char>(i * i >> 3));
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(200'000, 'a'), mixed}) {
    EXPECT_EQ(unpacked(gzip(bytes).value()), bytes);
  }
  EXPECT_LT(gzip(std::string(200'000, 'a'))->size(), 2000U);
}

}  // namespace
}  // namespace audit::httpd
