// The scopes of OAuth2 that this service knows.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace audit::httpd {

struct Scopes {
  bool read = false;       // audit:read: everything that the database role may see
  bool read_self = false;  // audit:read:self: the caller's own events
  bool write = false;      // audit:write: recording events

  bool are_none() const { return !read && !read_self && !write; }
  // audit:read covers audit:read:self, so a token of the narrower scope can be had with the wider one.
  Scopes narrowed_to(const Scopes& other) const {
    return {read && other.read, (read || read_self) && other.read_self, write && other.write};
  }
  std::string text() const;

  // Names that we do not know are left out: an identity provider's tokens have many.
  static Scopes parse_known(std::string_view space_separated);
  // Nothing if there is a name that we do not know.
  static std::optional<Scopes> parse_strictly(std::string_view space_separated);
};

}  // namespace audit::httpd
