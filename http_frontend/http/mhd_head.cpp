#include "http/mhd_head.hpp"

#include <charconv>
#include <cstring>
#include <limits>

#include "http/request_head.hpp"
#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

constexpr std::size_t line_end_size = 2;  // CR LF

}  // namespace

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

// In a sound head, each field begins behind the line of the one before, and the head ends two bytes behind the last.
// This fails in four cases. A line began with a colon, which the library takes for the end of the head. A NUL ended the
// target or a value. Spaces came together on the request line. A value continued on the next line.
HeadCheck check_head(MHD_Connection* connection, const char* method, const char* version, std::size_t target_size) {
  struct Walk {
    RequestHead head;
    const char* next;  // where the next field has to begin
    bool is_gapless = true;
  } walk{RequestHead(method, std::string_view(version) != MHD_HTTP_VERSION_1_0),
         version + std::strlen(version) + line_end_size};
  MHD_get_connection_values_n(
      connection, MHD_HEADER_KIND,
      [](void* target, MHD_ValueKind, const char* name, std::size_t name_size, const char* value,
         std::size_t value_size) {
        auto& into = *static_cast<Walk*>(target);
        into.head.add({name, name_size}, {value, value_size});
        into.is_gapless = into.is_gapless && name == into.next;
        into.next = value + value_size + line_end_size;
        return MHD_YES;
      },
      &walk);
  const std::size_t size = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
  const bool is_line_gapless = method + std::strlen(method) + 1 + target_size + 1 == version;
  const bool is_whole = is_line_gapless && walk.is_gapless && walk.next + line_end_size == method + size;
  return {walk.head.is_sound() && (is_whole || !parses_heads_in_place), walk.head.is_chunked()};
}

// Version 0.9.75 keeps a record of each parameter in the connection's memory. If they do not fit, it stops without an
// answer or an end. The daemon parses the query itself, so the library gets an empty one. The target lies in a buffer
// that the library goes on to write to.
void hide_query(const char* target) {
  char* mark = std::strchr(const_cast<char*>(target), '?');
  if (mark != nullptr && mark[1] != '\0') mark[1] = '\0';
}

}  // namespace audit::httpd
