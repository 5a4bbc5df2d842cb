#include "endpoints/next_page.hpp"

namespace audit::httpd {

std::string_view next_cursor_of(std::string_view body) {
  constexpr std::string_view end = "\"}";
  constexpr std::string_view name = "\"next_cursor\":";
  if (body.size() < end.size() || body.substr(body.size() - end.size()) != end) return {};
  body.remove_suffix(end.size());
  const std::size_t quote = body.rfind('"');
  if (quote == std::string_view::npos || quote < name.size()) return {};
  if (body.substr(quote - name.size(), name.size()) != name) return {};
  return body.substr(quote + 1);
}

}  // namespace audit::httpd
