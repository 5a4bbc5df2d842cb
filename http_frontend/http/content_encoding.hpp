// The codings of bodies: what a client takes (RFC 9110, 12.5.3), and what it sends (8.4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace audit::httpd {

enum class ContentCoding { identity, gzip, other };

// Of the header Content-Encoding; more than one coding is `other`.
ContentCoding content_coding(std::string_view content_encoding);

// Of the header Accept-Encoding.
bool accepts_gzip(std::string_view accept_encoding);

// Nothing where memory or zlib fails.
std::optional<std::string> gzip(std::string_view bytes);

}  // namespace audit::httpd
