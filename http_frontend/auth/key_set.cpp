#include "auth/key_set.hpp"

#include "base/json_value.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t max_keys = 100;

std::string name_of(std::size_t index, const json_t& jwk) {
  const std::string_view id = text_member(jwk, "kid");
  return "key " + std::to_string(index) + (id.empty() ? "" : " (" + std::string(id.substr(0, 100)) + ")");
}

}  // namespace

KeySetPtr KeySet::from_json(std::string_view json, std::vector<std::string>& left_out) {
  // Leniently, since the whole set would be refused for one odd key. Of a member that comes twice the last one counts
  // (RFC 7517, section 4).
  constexpr std::size_t lenient = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
  const JsonPtr document(json_loadb(json.data(), json.size(), lenient, nullptr));
  const json_t* keys = document ? json_object_get(document.get(), "keys") : nullptr;
  if (!json_is_array(keys)) {
    left_out.push_back("it is no JSON object with a list of keys");
    return nullptr;
  }
  auto set = std::make_shared<KeySet>();
  for (std::size_t i = 0; i < json_array_size(keys); ++i) {
    if (set->keys.size() == max_keys || left_out.size() == max_keys) {
      left_out.push_back("the keys from number " + std::to_string(i) + " on: there are too many");
      break;
    }
    const json_t& jwk = *json_array_get(keys, i);
    auto read = JsonWebKey::read(jwk);
    if (auto* key = std::get_if<JsonWebKey>(&read)) {
      set->keys.push_back(std::move(*key));
    } else {
      left_out.push_back(name_of(i, jwk) + ": " + std::get<std::string>(read));
    }
  }
  return set->keys.empty() ? nullptr : set;
}

}  // namespace audit::httpd
