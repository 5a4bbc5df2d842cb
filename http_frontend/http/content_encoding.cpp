#include "http/content_encoding.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <new>

#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

// `;q=0`, `; q=0.000`: everything else counts as a weight above zero.
bool is_refused(std::string_view parameters) {
  const std::size_t equals = parameters.find('=');
  if (equals == std::string_view::npos || !equals_ignoring_case(trim_http_space(parameters.substr(0, equals)), "q")) {
    return false;
  }
  const std::string_view weight = trim_http_space(parameters.substr(equals + 1));
  return !weight.empty() && weight.front() == '0' && weight.find_first_not_of("0.") == std::string_view::npos;
}

// Of a list that is separated by commas; empty at the end, and where the list has an empty entry.
std::string_view take_entry(std::string_view& list) {
  const std::string_view entry = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), entry.size() + 1));
  return trim_http_space(entry);
}

bool is_gzip(std::string_view coding) {
  return equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip");
}

}  // namespace

ContentCoding content_coding(std::string_view content_encoding) {
  std::string_view coding;
  while (!content_encoding.empty()) {
    const std::string_view entry = take_entry(content_encoding);
    if (!entry.empty() && !coding.empty()) return ContentCoding::other;
    if (!entry.empty()) coding = entry;
  }
  if (coding.empty() || equals_ignoring_case(coding, "identity")) return ContentCoding::identity;
  return is_gzip(coding) ? ContentCoding::gzip : ContentCoding::other;
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool is_any = false;
  while (!accept_encoding.empty()) {
    const std::string_view entry = take_entry(accept_encoding);
    const std::size_t semicolon = std::min(entry.find(';'), entry.size());
    const std::string_view coding = trim_http_space(entry.substr(0, semicolon));
    const bool is_accepted = !is_refused(entry.substr(std::min(semicolon + 1, entry.size())));
    if (is_gzip(coding)) return is_accepted;
    if (coding == "*") is_any = is_accepted;
  }
  return is_any;
}

// The fastest level: JSON shrinks to about a tenth at any, and the processor has better things to do.
std::optional<std::string> gzip(std::string_view bytes) try {
  constexpr int gzip_window_bits = 15 + 16;  // 16: with gzip's own head
  constexpr int memory_level = 8;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
    return std::nullopt;
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return std::nullopt;
  compressed.resize(stream.total_out);
  compressed.shrink_to_fit();
  return compressed;
} catch (const std::bad_alloc&) {
  return std::nullopt;
}

}  // namespace audit::httpd
