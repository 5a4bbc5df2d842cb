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
  for (const auto& value : read.filters.values) require(!value || audit::is_valid_utf8(value->text));
  require(read.limit >= 1 && read.limit <= 200);
  require(!read.cursor || audit::is_well_formed_cursor(*read.cursor));
}

bool is_safe_in_a_header(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '<' && c != '>'; });
}

void require_link_to_next_page(const std::vector<NameValue>& parts, const EventListParameters& read, bool is_strict) {
  std::string cursor(audit::cursor_size, '\0');
  audit::write_cursor({}, {}, cursor.data());
  const std::string next = query_with_cursor(parts, cursor);
  require(is_safe_in_a_header(next));
  const std::vector<NameValue> next_parts = parse_urlencoded(next);
  const ParsedListParameters again = parse_list_parameters(next_parts, is_strict);
  require(again.errors.empty() && again.parameters.cursor == cursor && again.parameters.limit == read.limit);
  require(audit::fingerprint(again.parameters.filters) == audit::fingerprint(read.filters));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view query = audit::fuzz::as_text(data, size);
  const bool is_strict = prefers_strict_handling(audit::fuzz::take_line(query));
  const std::vector<NameValue> parts = parse_urlencoded(query);
  const ParsedListParameters parsed = parse_list_parameters(parts, is_strict);
  if (parsed.errors.empty()) {
    require_sound(parsed.parameters);
    require_link_to_next_page(parts, parsed.parameters, is_strict);
  } else {
    require(validation_problem(parsed.errors).status == 422);
  }
  return 0;
}
