// Ownership for jansson's values.
#pragma once

#include <jansson.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace audit::httpd {

struct JsonDeleter {
  void operator()(json_t* value) const { json_decref(value); }
};
using JsonPtr = std::unique_ptr<json_t, JsonDeleter>;

inline std::string dump_json(const json_t& value) {
  const std::unique_ptr<char, void (*)(void*)> text(json_dumps(&value, JSON_COMPACT), std::free);
  if (!text) throw std::bad_alloc();
  return text.get();
}

// Null unless `text` is one JSON object without a member twice.
inline JsonPtr parse_json_object(std::string_view text) {
  JsonPtr value(json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES, nullptr));
  return json_is_object(value.get()) ? std::move(value) : nullptr;
}

inline std::string_view text_member(const json_t& object, const char* name) {
  const json_t* member = json_object_get(&object, name);
  return json_is_string(member) ? std::string_view(json_string_value(member), json_string_length(member))
                                : std::string_view();
}

}  // namespace audit::httpd
