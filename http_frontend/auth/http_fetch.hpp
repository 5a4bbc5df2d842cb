// Fetches a small document by HTTP or HTTPS, within bounds.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace audit::httpd {

struct FetchBounds {
  std::size_t bytes = 1024 * 1024;
  std::chrono::milliseconds time{10000};
};

// Blocks. Nothing: not there, not 200, or beyond a bound. Follows a few redirects, to HTTPS only.
std::optional<std::string> fetch(const std::string& url, const FetchBounds& bounds);

}  // namespace audit::httpd
