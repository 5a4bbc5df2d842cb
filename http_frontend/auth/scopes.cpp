#include "auth/scopes.hpp"

namespace audit::httpd {
namespace {

constexpr std::string_view read_name = "audit:read";
constexpr std::string_view read_self_name = "audit:read:self";
constexpr std::string_view write_name = "audit:write";

// Returns whether all names are known.
bool add_names(std::string_view names, Scopes& scopes) {
  bool all_known = true;
  while (!names.empty()) {
    const std::size_t end = names.find(' ');
    const std::string_view name = names.substr(0, end);
    if (name == read_name) {
      scopes.read = true;
    } else if (name == read_self_name) {
      scopes.read_self = true;
    } else if (name == write_name) {
      scopes.write = true;
    } else if (!name.empty()) {
      all_known = false;
    }
    names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
  }
  return all_known;
}

}  // namespace

std::string Scopes::text() const {
  std::string text;
  const auto add = [&text](bool is_held, std::string_view name) {
    if (is_held) text.append(text.empty() ? "" : " ").append(name);
  };
  add(read, read_name);
  add(read_self, read_self_name);
  add(write, write_name);
  return text;
}

Scopes Scopes::parse_known(std::string_view space_separated) {
  Scopes scopes;
  add_names(space_separated, scopes);
  return scopes;
}

std::optional<Scopes> Scopes::parse_strictly(std::string_view space_separated) {
  Scopes scopes;
  if (!add_names(space_separated, scopes)) return std::nullopt;
  return scopes;
}

}  // namespace audit::httpd
