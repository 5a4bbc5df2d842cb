#include "http/mhd_head.hpp"

#include <charconv>
#include <cstring>
#include <limits>

#include "http/request_target.hpp"

namespace audit::httpd {

std::string_view header_value(MHD_Connection* connection, const char* name) {
  const char* value = nullptr;
  std::size_t size = 0;
  MHD_lookup_connection_value_n(connection, MHD_HEADER_KIND, name, std::char_traits<char>::length(name), &value, &size);
  return value == nullptr ? std::string_view() : std::string_view(value, size);
}

std::string joined_headers(MHD_Connection* connection, const char* name) {
  struct Collected {
    std::string_view name;
    std::string values;
  } collected{name, {}};
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* target, MHD_ValueKind, const char* key, const char* value) {
        auto& into = *static_cast<Collected*>(target);
        if (value != nullptr && equals_ignoring_case(key, into.name)) into.values.append(value).push_back(',');
        return MHD_YES;
      },
      &collected);
  return collected.values;
}

std::size_t announced_body_bytes(MHD_Connection* connection) {
  const std::string_view length = header_value(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::size_t size = 0;
  const auto parsed = std::from_chars(length.data(), length.data() + length.size(), size);
  return parsed.ec == std::errc::result_out_of_range ? std::numeric_limits<std::size_t>::max() : size;
}

RequestHead parsed_head(MHD_Connection* connection, const char* method, const char* version) {
  RequestHead head(method, std::string_view(version) != MHD_HTTP_VERSION_1_0);
  MHD_get_connection_values_n(
      connection, MHD_HEADER_KIND,
      [](void* target, MHD_ValueKind, const char* name, std::size_t name_size, const char* value,
         std::size_t value_size) {
        static_cast<RequestHead*>(target)->add({name, name_size}, {value, value_size});
        return MHD_YES;
      },
      &head);
  return head;
}

// Version 0.9.75 keeps a record of each parameter in the connection's memory. If they do not fit, it stops without an
// answer or an end. The daemon parses the query itself, so the library gets an empty one. The target lies in a buffer
// that the library goes on to write to.
void hide_query(const char* target) {
  char* mark = std::strchr(const_cast<char*>(target), '?');
  if (mark != nullptr && mark[1] != '\0') mark[1] = '\0';
}

}  // namespace audit::httpd
