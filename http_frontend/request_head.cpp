#include "request_head.hpp"

#include <algorithm>

#include "request_target.hpp"

namespace audit::httpd {
namespace {

// A token of RFC 9110, section 5.6.2: so no space before the colon, and no empty name.
bool is_name(std::string_view name) {
  constexpr std::string_view allowed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !name.empty() && name.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool is_length(std::string_view value) {
  return !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void RequestHead::add(std::string_view name, std::string_view value) {
  is_sound_ = is_sound_ && is_name(name) && is_value(value);
  add_framing(name, value);
}

void RequestHead::add_framing(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "Host")) {
    ++hosts_;
  } else if (equals_ignoring_case(name, "Content-Length")) {
    ++content_lengths_;
    is_sound_ = is_sound_ && is_length(value);
  } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
    ++transfer_encodings_;
    is_sound_ = is_sound_ && is_http_1_1_ && equals_ignoring_case(value, "chunked");
  }
}

// RFC 9112, 3.2 and 6.3: one Host; one way to tell where the body ends.
bool RequestHead::is_sound() const {
  const bool has_host = hosts_ == 1 || (hosts_ == 0 && !is_http_1_1_);
  return is_sound_ && has_host && content_lengths_ + transfer_encodings_ <= 1;
}

}  // namespace audit::httpd
