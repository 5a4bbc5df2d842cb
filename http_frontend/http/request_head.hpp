// What RFC 9112 forbids in the head of a request and libmicrohttpd lets pass. A proxy in front may read such a head in
// another way, and then one request is two.
#pragma once

#include <cstddef>
#include <string_view>

namespace audit::httpd {

// Takes the fields of a head one by one, in their order.
class RequestHead {
 public:
  // `is_http_1_1`: what its version is, or a later one.
  RequestHead(std::string_view method, bool is_http_1_1);

  void add(std::string_view name, std::string_view value);

  // Once all fields were added: whether the request may be answered at all.
  bool is_sound() const;
  bool is_chunked() const { return transfer_encodings_ != 0; }

 private:
  void add_framing(std::string_view name, std::string_view value);

  bool is_http_1_1_;
  bool is_sound_ = true;
  std::size_t hosts_ = 0;
  std::size_t content_lengths_ = 0;
  std::size_t transfer_encodings_ = 0;
};

// A token of RFC 9110, section 5.6.2: so no space before the colon, and no empty name.
bool is_field_name(std::string_view name);

// No control character and no space, as it is on the request line.
bool is_sound_target(std::string_view target);

}  // namespace audit::httpd
