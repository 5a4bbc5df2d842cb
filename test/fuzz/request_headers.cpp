// Headers of one value each: Accept-Encoding, Content-Type of events, Idempotency-Key, a line each. The rest is zipped.
#include <zlib.h>

#include <string>

#include "endpoints/events_body.hpp"
#include "fuzz.hpp"
#include "http/content_encoding.hpp"

namespace {

using namespace audit::httpd;
using audit::fuzz::require;

std::string unzip(const std::string& zipped, std::size_t size) {
  std::string text(size, '\0');
  z_stream stream{};
  require(inflateInit2(&stream, 15 + 16) == Z_OK);  // + 16: gzip, not zlib
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zipped.data()));
  stream.avail_in = static_cast<uInt>(zipped.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  require(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0);
  inflateEnd(&stream);
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = audit::fuzz::as_text(data, size);
  const std::string_view accepted = audit::fuzz::take_line(text);
  const std::string_view type = audit::fuzz::take_line(text);
  const std::string_view key = audit::fuzz::take_line(text);
  if (accepts_gzip(accepted)) require(accepted.find_first_of("zZ*") != std::string_view::npos);
  if (events_format(type)) require(type.find('/') != std::string_view::npos);
  if (is_idempotency_key(key)) require(key.find(' ') == std::string_view::npos && key.size() <= 255);
  if (text.empty()) return 0;
  const auto zipped = gzip(text);
  require(zipped && unzip(*zipped, text.size()) == text);
  return 0;
}
