// A JWK set (RFC 7517, section 5): the public keys of an identity provider.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/json_web_key.hpp"

namespace audit::httpd {

struct KeySet;
using KeySetPtr = std::shared_ptr<const KeySet>;

struct KeySet {
  // Null where there is no usable key. A key that cannot be used is left out, whatever is wrong with it, and `left_out`
  // gets a line about it.
  static KeySetPtr from_json(std::string_view json, std::vector<std::string>& left_out);

  std::vector<JsonWebKey> keys;
};

}  // namespace audit::httpd
