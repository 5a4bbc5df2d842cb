#include "http/request_head.hpp"

#include <algorithm>

#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

constexpr std::string_view digits = "0123456789";

bool is_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

bool is_length(std::string_view value) {
  return !value.empty() && value.find_first_not_of(digits) == std::string_view::npos;
}

// A name or an address, and perhaps a port (RFC 3986, 3.2.2); may be empty.
bool is_host(std::string_view host) {
  constexpr std::string_view of_name = "!$%&'()*+,-.;=_~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view of_literal = "0123456789abcdefABCDEF:.";
  const bool is_literal = host.substr(0, 1) == "[";
  if (is_literal) host.remove_prefix(1);
  const std::size_t size = std::min(host.find_first_not_of(is_literal ? of_literal : of_name), host.size());
  host.remove_prefix(size);
  if (is_literal && (host.substr(0, 1) != "]" || size == 0)) return false;
  if (is_literal) host.remove_prefix(1);
  return host.empty() || (host.front() == ':' && host.find_first_not_of(digits, 1) == std::string_view::npos);
}

}  // namespace

bool is_field_name(std::string_view name) {
  constexpr std::string_view allowed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !name.empty() && name.find_first_not_of(allowed) == std::string_view::npos;
}

RequestHead::RequestHead(std::string_view method, bool is_http_1_1)
    : is_http_1_1_(is_http_1_1), is_sound_(is_field_name(method)) {}

void RequestHead::add(std::string_view name, std::string_view value) {
  is_sound_ = is_sound_ && is_field_name(name) && is_value(value);
  add_framing(name, value);
}

void RequestHead::add_framing(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "Host")) {
    ++hosts_;
    is_sound_ = is_sound_ && is_host(trim_http_space(value));
  } else if (equals_ignoring_case(name, "Content-Length")) {
    ++content_lengths_;
    is_sound_ = is_sound_ && is_length(value);
  } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
    ++transfer_encodings_;
    is_sound_ = is_sound_ && is_http_1_1_ && equals_ignoring_case(value, "chunked");
  }
}

// RFC 9112, 3.2 and 6.3: one Host; one statement of where the body ends.
bool RequestHead::is_sound() const {
  const bool has_host = hosts_ == 1 || (hosts_ == 0 && !is_http_1_1_);
  return is_sound_ && has_host && content_lengths_ + transfer_encodings_ <= 1;
}

bool is_sound_target(std::string_view target) {
  return std::none_of(target.begin(), target.end(), [](unsigned char c) { return c <= 0x20 || c == 0x7f; });
}

}  // namespace audit::httpd
