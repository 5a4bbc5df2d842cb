#include "http/head_watch.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/request_head.hpp"
#include "http/request_target.hpp"

namespace audit::httpd {

void HeadWatch::feed(std::string_view bytes) {
  while (!bytes.empty() && !has_fault_ && part_ != Part::end) {
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, bytes.size()));
    to_skip_ -= skipped;
    bytes.remove_prefix(skipped);
    if (bytes.empty()) return;
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
  has_fault_ = has_fault_ || has_cr_within || bytes.find('\0') != std::string_view::npos;
  const std::size_t kept = std::min(line_size_, kept_bytes);
  std::copy_n(bytes.data(), std::min(bytes.size(), kept_bytes - kept), line_.data() + kept);
  if (!has_lines_) spaces_ += static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), ' '));
  line_size_ += bytes.size();
  last_ = bytes.back();
}

std::string_view HeadWatch::line() const { return {line_.data(), std::min(line_size_ - 1, kept_bytes)}; }

void HeadWatch::end_line() {
  has_fault_ = has_fault_ || last_ != '\r';
  const bool is_empty = line_size_ == 1;
  if (has_fault_) return;
  if (part_ == Part::head) {
    end_line_of_head();
  } else if (part_ == Part::chunk_size) {
    end_chunk_size();
  } else if (part_ == Part::chunk_end) {
    has_fault_ = !is_empty;
    part_ = Part::chunk_size;
  } else if (is_empty) {
    part_ = Part::end;  // the last request of its connection
  } else {
    has_fault_ = !is_field_name(line().substr(0, line().find(':'))) || line().find(':') == std::string_view::npos;
  }
  line_size_ = 0;
  last_ = '\0';
}

void HeadWatch::end_line_of_head() {
  if (line_size_ > 1 && has_lines_) {
    note_field(line());
  } else if (line_size_ > 1) {
    has_lines_ = true;
    has_fault_ = spaces_ != 2;
  } else if (has_lines_) {
    end_head();
  }
}

void HeadWatch::end_head() {
  ++sound_heads_;
  has_lines_ = false;
  spaces_ = 0;
  to_skip_ = std::exchange(body_bytes_, 0);
  if (is_chunked_) part_ = Part::chunk_size;
}

void HeadWatch::note_field(std::string_view line) {
  // A line that continues the last, or one that the library takes for the end of the head.
  has_fault_ = line.front() == ' ' || line.front() == '\t' || line.front() == ':';
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (equals_ignoring_case(name, "Transfer-Encoding")) is_chunked_ = true;
  if (!equals_ignoring_case(name, "Content-Length")) return;
  const std::string_view value = trim_http_space(line.substr(colon + 1));
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), body_bytes_);
  has_fault_ =
      has_fault_ || parsed.ec != std::errc() || parsed.ptr != value.data() + value.size() || line_size_ > kept_bytes;
}

// Digits, and perhaps an extension.
void HeadWatch::end_chunk_size() {
  constexpr int hexadecimal = 16;
  const std::string_view text = line();
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), to_skip_, hexadecimal);
  const std::string_view rest = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
  has_fault_ = parsed.ec != std::errc() || (!rest.empty() && trim_http_space(rest).substr(0, 1) != ";");
  part_ = to_skip_ == 0 ? Part::trailer : Part::chunk_end;
}

}  // namespace audit::httpd
