// Compressing what a client takes compressed (RFC 9110, 12.5.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace audit::httpd {

// Of the header Accept-Encoding.
bool accepts_gzip(std::string_view accept_encoding);

// Nothing where memory or zlib fails.
std::optional<std::string> gzip(std::string_view bytes);

}  // namespace audit::httpd
