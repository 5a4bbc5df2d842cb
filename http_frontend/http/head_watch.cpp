#include "http/head_watch.hpp"

#include <algorithm>
#include <charconv>

#include "http/request_target.hpp"

namespace audit::httpd {
void HeadWatch::feed(std::string_view bytes) {
  while (!bytes.empty() && !has_no_end_) {
    if (!has_lines_) {
      const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(body_bytes_, bytes.size()));
      body_bytes_ -= skipped;
      bytes.remove_prefix(skipped);
      if (bytes.empty()) return;
    }
    const std::size_t end = bytes.find('\n');
    add_to_line(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    end_line();
  }
}

void HeadWatch::add_to_line(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool has_cr_within = last_ == '\r' || bytes.find('\r') < bytes.size() - 1;
  has_no_end_ = has_no_end_ || has_cr_within || bytes.find('\0') != std::string_view::npos;
  const std::size_t kept = std::min(line_size_, kept_bytes);
  std::copy_n(bytes.data(), std::min(bytes.size(), kept_bytes - kept), line_.data() + kept);
  if (!has_lines_) spaces_ += static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), ' '));
  line_size_ += bytes.size();
  last_ = bytes.back();
}

void HeadWatch::end_line() {
  has_no_end_ = has_no_end_ || last_ != '\r';
  if (line_size_ > 1 && has_lines_) {
    note_field({line_.data(), std::min(line_size_, kept_bytes)});
  } else if (line_size_ > 1) {
    has_lines_ = true;
    has_no_end_ = has_no_end_ || spaces_ != 2;
  } else if (has_lines_ && !has_no_end_) {
    end_head();
  }
  line_size_ = 0;
  last_ = '\0';
}

void HeadWatch::end_head() {
  ++sound_heads_;
  has_lines_ = false;
  spaces_ = 0;
  has_no_end_ = is_chunked_;
}

void HeadWatch::note_field(std::string_view line) {
  // A line that continues the last, or one that the library takes for the end of the head.
  has_no_end_ = has_no_end_ || line.front() == ' ' || line.front() == '\t' || line.front() == ':';
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (equals_ignoring_case(name, "Transfer-Encoding")) is_chunked_ = true;
  if (!equals_ignoring_case(name, "Content-Length")) return;
  const std::string_view value = trim_http_space(line.substr(colon + 1, line.size() - colon - 2));
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), body_bytes_);
  has_no_end_ =
      has_no_end_ || parsed.ec != std::errc() || parsed.ptr != value.data() + value.size() || line_size_ > kept_bytes;
}

}  // namespace audit::httpd
