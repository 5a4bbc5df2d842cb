// The query string of GET /v1/audit/events, and the link to the next page that is made from it. The first line is the
// Prefer header.
#include <algorithm>

#include "core/page_cursor.hpp"
#include "core/utf8.hpp"
#include "endpoints/query_parameters.hpp"
#include "fuzz.hpp"

namespace {

using namespace audit::httpd;
using audit::fuzz::require;

void require_sound(const EventListParameters& read) {
  for (const auto* text : {&read.event_group, &read.event_type, &read.status, &read.vm_id, &read.session_id}) {
    require(!*text || audit::is_valid_utf8(**text));
  }
  require(read.limit >= 1 && read.limit <= 200);
  require(!read.cursor || audit::is_well_formed_cursor(*read.cursor));
}

bool is_safe_in_a_header(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '<' && c != '>'; });
}

void require_link_to_next_page(std::string_view query, const EventListParameters& read, bool is_strict) {
  std::string cursor(audit::cursor_size, '\0');
  audit::write_cursor({}, {}, cursor.data());
  const std::string next = query_with_cursor(query, cursor);
  require(is_safe_in_a_header(next));
  const ParsedListParameters again = parse_list_parameters(next, is_strict);
  require(again.errors.empty() && again.parameters.cursor == cursor);
  const EventListParameters& other = again.parameters;
  require(other.event_group == read.event_group && other.event_type == read.event_type && other.status == read.status &&
          other.vm_id == read.vm_id && other.session_id == read.session_id && other.user_id == read.user_id &&
          other.limit == read.limit && other.since_us == read.since_us && other.until_us == read.until_us);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view query = audit::fuzz::as_text(data, size);
  const bool is_strict = prefers_strict_handling(audit::fuzz::take_line(query));
  const ParsedListParameters parsed = parse_list_parameters(query, is_strict);
  if (parsed.errors.empty()) {
    require_sound(parsed.parameters);
    require_link_to_next_page(query, parsed.parameters, is_strict);
  } else {
    require(validation_problem(parsed.errors).status == 422);
  }
  return 0;
}
