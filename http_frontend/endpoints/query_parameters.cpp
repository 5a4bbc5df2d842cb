#include "endpoints/query_parameters.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/integer_text.hpp"
#include "core/filter_parser.hpp"
#include "core/page_cursor.hpp"
#include "core/rfc3339.hpp"
#include "core/utf8.hpp"
#include "http/request_target.hpp"

namespace audit::httpd {
namespace {

constexpr std::int32_t max_limit = 200;

constexpr std::string_view bad_text = "Input should be a valid string, unable to parse raw data as a unicode string";
constexpr std::string_view bad_integer = "Input should be a valid integer, unable to parse string as an integer";
constexpr std::string_view huge_integer = "Unable to parse input string as an integer, exceeded maximum size";
constexpr std::string_view bad_network = "Input should be an IPv4 or IPv6 address or a network in CIDR form";
constexpr std::string_view network_with_host_bits = "Input should be a network without bits behind its prefix";
constexpr std::string_view limit_too_small = "Input should be greater than or equal to 1";
constexpr std::string_view limit_too_large = "Input should be less than or equal to 200";
constexpr std::string_view bad_time = "Input should be a valid datetime";
constexpr std::string_view time_without_offset = "Input should have timezone info";

std::string text_of(const FilterError& error) {
  std::string text = validation::filter_invalid;
  text.append(" at byte ").append(std::to_string(error.place)).append(": ").append(error.reason);
  if (error.expected != nullptr) text.append("; there may stand: ").append(error.expected);
  return text;
}

class Parser {
 public:
  Parser(const std::vector<NameValue>& parts, std::vector<ValidationError>& errors) : parts_(parts), errors_(errors) {}

  void text(std::string_view name, std::optional<FilterValue>& to) {
    const std::string* value = last(name);
    if (value == nullptr) return;
    if (!is_valid_utf8(*value)) return fail(name, bad_text, "string_unicode");
    to = FilterValue{0, *value};
  }

  void integer(std::string_view name, std::optional<FilterValue>& to) {
    const std::string* value = last(name);
    if (value == nullptr) return;
    const IntegerText parsed = parse_integer(*value);
    if (parsed.status == IntegerStatus::malformed) return fail(name, bad_integer, "int_parsing");
    if (parsed.status != IntegerStatus::ok) return fail(name, huge_integer, "int_parsing_size");
    to = FilterValue{parsed.value, {}};
  }

  void network(std::string_view name, std::optional<FilterValue>& to) {
    const std::string* value = last(name);
    if (value == nullptr) return;
    FilterValue parsed;
    switch (parse_inet_network(*value, parsed.network)) {
      case InetNetworkStatus::malformed: return fail(name, bad_network, "ip_any_network");
      case InetNetworkStatus::has_host_bits: return fail(name, network_with_host_bits, "ip_network_host_bits");
      case InetNetworkStatus::ok: to = parsed;
    }
  }

  void filter(std::size_t number, std::optional<FilterValue>& to) {
    switch (filter_kind(number)) {
      case ColumnKind::text: return text(filter_name(number), to);
      case ColumnKind::address: return network(filter_name(number), to);
      default: return integer(filter_name(number), to);
    }
  }

  // The database reads it again. Only there its encoding is known.
  void expression(std::string_view name, std::optional<std::string_view>& to) {
    const std::string* value = last(name);
    if (value == nullptr) return;
    if (!is_valid_utf8(*value)) return fail(name, bad_text, "string_unicode");
    FilterTree tree;
    FilterError error;
    if (!parse_filter(*value, tree, error)) return fail(name, text_of(error), "filter_invalid");
    to = *value;
  }

  // Only the database knows whether the cursor belongs to these filters.
  void cursor(std::string_view name, std::optional<std::string_view>& to) {
    const std::string* value = last(name);
    if (value == nullptr) return;
    if (!is_well_formed_cursor(*value)) return fail(name, validation::cursor_invalid, "cursor_invalid");
    to = *value;
  }

  void limit(std::string_view name, std::int32_t& to) {
    const std::string* value = last(name);
    if (value == nullptr) return;
    const auto [status, number] = parse_integer(*value);
    if (status == IntegerStatus::malformed) return fail(name, bad_integer, "int_parsing");
    if (status == IntegerStatus::too_small || (status == IntegerStatus::ok && number < 1)) {
      return fail(name, limit_too_small, "greater_than_equal");
    }
    if (status == IntegerStatus::too_large || number > max_limit) {
      return fail(name, limit_too_large, "less_than_equal");
    }
    to = static_cast<std::int32_t>(number);
  }

  void time(std::string_view name, std::optional<std::int64_t>& to) {
    const std::string* value = last(name);
    if (value == nullptr) return;
    std::int64_t microseconds = 0;
    switch (parse_rfc3339(*value, microseconds)) {
      case DateTimeStatus::malformed: return fail(name, bad_time, "datetime_parsing");
      case DateTimeStatus::no_offset: return fail(name, time_without_offset, "timezone_aware");
      case DateTimeStatus::ok: to = microseconds;
    }
  }

 private:
  // The last of repeated parameters counts.
  const std::string* last(std::string_view name) const {
    const auto found =
        std::find_if(parts_.rbegin(), parts_.rend(), [&](const auto& part) { return part.first == name; });
    return found == parts_.rend() ? nullptr : &found->second;
  }

  void fail(std::string_view name, std::string_view message, std::string_view type) {
    errors_.push_back({"query", std::string(name), std::string(message), type});
  }

  const std::vector<NameValue>& parts_;
  std::vector<ValidationError>& errors_;
};

}  // namespace

ParsedListParameters parse_list_parameters(const std::vector<NameValue>& parts, bool is_strict) {
  ParsedListParameters parsed;
  EventListParameters& to = parsed.parameters;
  Parser parser(parts, parsed.errors);
  // The contract has the errors of texts before those of integers.
  for (const ColumnKind kind : {ColumnKind::text, ColumnKind::integer, ColumnKind::address}) {
    for (std::size_t i = 0; i < filter_count; ++i) {
      if (filter_kind(i) == kind) parser.filter(i, to.filters.values[i]);
    }
  }
  parser.cursor("cursor", to.cursor);
  parser.limit("limit", to.limit);
  parser.time("since", to.filters.since_us);
  parser.time("until", to.filters.until_us);
  parser.expression("filter", to.filters.expression);
  if (is_strict) {
    std::vector<std::string_view> known{"cursor", "limit", "since", "until", "filter"};
    for (std::size_t i = 0; i < filter_count; ++i) known.push_back(filter_name(i));
    add_unknown_parameters(parts, known, parsed.errors);
  }
  return parsed;
}

void add_unknown_parameters(const std::vector<NameValue>& parts, const std::vector<std::string_view>& known,
                            std::vector<ValidationError>& errors) {
  std::unordered_set<std::string_view> seen(known.begin(), known.end());
  for (const auto& [name, value] : parts) {
    if (!seen.insert(name).second) continue;
    errors.push_back({"query", name, "Extra inputs are not permitted", "extra_forbidden"});
  }
}

bool prefers_strict_handling(std::string_view prefer) {
  while (!prefer.empty()) {
    std::string_view preference = prefer.substr(0, prefer.find(','));
    prefer.remove_prefix(std::min(prefer.size(), preference.size() + 1));
    preference = preference.substr(0, preference.find(';'));
    const std::size_t equals = preference.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view value = trim_http_space(preference.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    // The first one counts (RFC 7240, 2).
    if (equals_ignoring_case(trim_http_space(preference.substr(0, equals)), "handling")) {
      return equals_ignoring_case(value, "strict");
    }
  }
  return false;
}

std::string query_with_cursor(const std::vector<NameValue>& parts, std::string_view cursor) {
  std::string text;
  for (const auto& [name, value] : parts) {
    if (name == "cursor") continue;
    append_percent_encoded(text, name);
    text.push_back('=');
    append_percent_encoded(text, value);
    text.push_back('&');
  }
  text.append("cursor=");
  append_percent_encoded(text, cursor);
  return text;
}

}  // namespace audit::httpd
