// Who a request comes from, and what that caller may do. All that handlers ever see of a credential.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "auth/scopes.hpp"

namespace audit::httpd {

struct Principal {
  std::string name;
  Scopes scopes;
  std::optional<std::int64_t> user_id;
  std::optional<std::string> db_role;  // the database role that its requests run under

  bool may_read() const { return scopes.read || (scopes.read_self && user_id); }
  bool may_write() const { return scopes.write; }
  // Whose events alone it may read and record; nothing: those of all users.
  std::optional<std::int64_t> only_user() const { return scopes.read ? std::nullopt : user_id; }
};

using PrincipalPtr = std::shared_ptr<const Principal>;

}  // namespace audit::httpd
