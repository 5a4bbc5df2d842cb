// The head of a request as libmicrohttpd has parsed it.
#pragma once

#include <microhttpd.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "http/request_head.hpp"

namespace audit::httpd {

// Until 1.0 the library parses heads where they are, and takes more for one than RFC 9112 does. Later versions refuse
// that by themselves.
constexpr bool parses_heads_in_place = MHD_VERSION < 0x01000000;

// Of the first field of that name; empty: there is none.
std::string_view header_value(MHD_Connection* connection, const char* name);

// Of all fields of that name, each followed by a comma.
std::string joined_headers(MHD_Connection* connection, const char* name);

// What Content-Length says; more than any limit where the number is too large for one.
std::size_t announced_body_bytes(MHD_Connection* connection);

// REQUIRES: called when the library has called the access callback with the head.
RequestHead parsed_head(MHD_Connection* connection, const char* method, const char* version);

// Has the library find an empty query behind the target.
void hide_query(const char* target);

}  // namespace audit::httpd
